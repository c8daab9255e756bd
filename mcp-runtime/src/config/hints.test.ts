import { expect, test } from '@jest/globals';
import { hintsOf } from './hints.ts';
import { runtimeConfigSchema, type RuntimeConfigInput } from './schema.ts';

const hints = (change: Partial<RuntimeConfigInput>) =>
  hintsOf(
    runtimeConfigSchema.parse({
      kubeconfig: '/kubeconfig',
      oauth_audience: 'kcp',
      authorization_url: 'https://auth.example.com',
      server_url: 'https://mcp.example.com',
      ...change,
    }),
    ['resources_list', 'resources_delete', 'pods_exec'],
  ).map(({ level, text }) => `${level} ${text}`);

test('a configuration that means what it says gives none', () => {
  expect(hints({})).toEqual([]);
  expect(
    hints({
      enabled_tools: ['resources_list'],
      disabled_tools: ['pods_exec'],
      tool_overrides: { resources_list: {} },
      confirmation_rules: [{ tool: 'resources_delete' }, { verb: 'get' }],
    }),
  ).toEqual([]);
});

test('a misspelt tool is a warning that names the one that was meant', () => {
  expect(
    hints({
      disabled_tools: ['pod_exec'],
      tool_overrides: { resource_list: {} },
      confirmation_rules: [{ tool: 'resource_delete' }],
    }),
  ).toEqual([
    'warn disabled_tools: there is no tool pod_exec; did you mean pods_exec?',
    'warn tool_overrides: there is no tool resource_list; did you mean resources_list?',
    'warn confirmation_rules: there is no tool resource_delete; did you mean resources_delete?',
  ]);
});

test('a tool that only another server has is a warning where it was expected, and else a note', () => {
  expect(
    hints({ enabled_tools: ['helm_install'], disabled_tools: ['helm_uninstall'], tool_overrides: { helm_list: {} } }),
  ).toEqual([
    'warn enabled_tools: there is no tool helm_install',
    'info disabled_tools: there is no tool helm_uninstall',
    'info tool_overrides: there is no tool helm_list',
  ]);
});

test('a placeholder that looks like an argument is a warning; other braces are not', () => {
  const content = '{{pod_nam}} {{pod_nam}} {{ pod_name }} {{pod_name}} {{ .Values.image }} {{x}}';
  expect(
    hints({
      prompts: [{ name: 'logs', arguments: [{ name: 'pod_name' }], messages: [{ role: 'user', content }] }],
    }),
  ).toEqual([
    'warn prompts: {{pod_nam}} of logs is no argument and stays as it is; did you mean {{pod_name}}?',
    'warn prompts: {{ pod_name }} of logs is no argument and stays as it is; did you mean {{pod_name}}?',
  ]);
});

test('hundreds of them are counted, not listed', () => {
  const found = hints({ disabled_tools: Array.from({ length: 500 }, (_, index) => `helm_${index}`) });
  expect(found).toHaveLength(21);
  expect(found.at(-1)).toBe('info and 480 more tools that there are not');
});
