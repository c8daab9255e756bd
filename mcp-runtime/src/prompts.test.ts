import { describe, expect, test } from '@jest/globals';
import { prompts as promptsSchema } from './config/prompts.ts';
import { describePrompt, PromptArgumentError, renderPrompt } from './prompts.ts';

/** A prompt as the configuration gives it. */
function prompt(change: object = {}) {
  const written = {
    name: 'check-pod-logs',
    title: 'Check Pod Logs',
    description: 'Quick way to check pod logs',
    arguments: [
      { name: 'pod_name', description: 'Name of the pod', required: true },
      { name: 'namespace', required: false },
    ],
    messages: [
      { role: 'user', content: 'Show me the logs for pod {{pod_name}} in {{namespace}}' },
      { role: 'assistant', content: "I'll look at {{pod_name}}, {{pod_name}}!" },
    ],
    ...change,
  };
  const [parsed] = promptsSchema.parse([written]);
  if (parsed === undefined) throw new Error('no prompt');
  return parsed;
}

const texts = (...parameters: Parameters<typeof renderPrompt>) =>
  renderPrompt(...parameters).messages.map(({ content }) => (content as { text: string }).text);

const message = (content: string) => ({ messages: [{ role: 'user', content }] });

test('every placeholder is replaced, in every message', () => {
  expect(renderPrompt(prompt(), { pod_name: 'web-0', namespace: 'default' })).toEqual({
    description: 'Quick way to check pod logs',
    messages: [
      { role: 'user', content: { type: 'text', text: 'Show me the logs for pod web-0 in default' } },
      { role: 'assistant', content: { type: 'text', text: "I'll look at web-0, web-0!" } },
    ],
  });
});

test('an optional argument that is not given leaves nothing behind; an empty required one is given', () => {
  expect(texts(prompt(), { pod_name: '' })[0]).toBe('Show me the logs for pod  in ');
});

test.each<[string, Record<string, string> | undefined]>([
  ['without arguments', undefined],
  ['with the optional one only', { namespace: 'default' }],
  ['with a name from the prototype', { constructor: 'x' }],
])('a required argument that is not given is named: %s', (_, args) => {
  const render = () => renderPrompt(prompt(), args);
  expect(render).toThrow(PromptArgumentError);
  expect(render).toThrow('Prompt check-pod-logs needs the argument "pod_name".');
});

test('all that are missing are named at once', () => {
  const both = prompt({ arguments: ['a', 'b'].map((name) => ({ name, required: true })) });
  expect(() => renderPrompt(both)).toThrow('needs the arguments "a", "b".');
});

describe('what is no placeholder stays', () => {
  test.each([
    ['a name that is no argument', '{{ .Values.image }} and {{toString}}', '{{ .Values.image }} and {{toString}}'],
    ['single braces', '{pod_name}', '{pod_name}'],
    ['a name with spaces around it', '{{ pod_name }}', '{{ pod_name }}'],
    ['braces around a placeholder', '{{{pod_name}}}', '{web-0}'],
    ['an open placeholder', '{{pod_name', '{{pod_name'],
  ])('%s', (_, content, expected) => {
    expect(texts(prompt(message(content)), { pod_name: 'web-0', unknown: 'x' })).toEqual([expected]);
  });
});

test('a value is not a template, and its dollar signs mean nothing', () => {
  const it = prompt(message('{{pod_name}}|{{namespace}}'));
  expect(texts(it, { pod_name: '{{namespace}}', namespace: "$&$'$1" })).toEqual(["{{namespace}}|$&$'$1"]);
});

test('an argument that would fill the memory is refused by name', () => {
  const render = () => renderPrompt(prompt(), { pod_name: 'x'.repeat(65_537) });
  expect(render).toThrow('Argument "pod_name" of prompt check-pod-logs is longer than 65536 characters.');
});

test('a prompt is described for prompts/list', () => {
  expect(describePrompt(prompt())).toEqual({
    name: 'check-pod-logs',
    title: 'Check Pod Logs',
    description: 'Quick way to check pod logs',
    arguments: [
      { name: 'pod_name', description: 'Name of the pod', required: true },
      { name: 'namespace', required: false },
    ],
  });
  const bare = prompt({ title: undefined, description: undefined, arguments: [], ...message('hello') });
  expect(describePrompt(bare)).toEqual({ name: 'check-pod-logs' });
});
