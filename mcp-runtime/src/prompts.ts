import type { GetPromptResult, Prompt as PromptDefinition } from '@modelcontextprotocol/server';
import type { Prompt } from './config/prompts.ts';

/** Arguments that a prompt can't be rendered with. The message says which and is meant for the client. */
export class PromptArgumentError extends Error {
  override readonly name = 'PromptArgumentError';
}

/** Longest argument, in characters: a template may hold it many times over. */
const MAX_ARGUMENT = 65_536;

const PLACEHOLDER = /\{\{([^{}]+)\}\}/g;

/** What `prompts/list` says of a prompt of the configuration. */
export function describePrompt({ name, title, description, arguments: args }: Prompt): PromptDefinition {
  return {
    name,
    ...(title !== undefined && { title }),
    ...(description !== undefined && { description }),
    ...(args.length > 0 && {
      arguments: args.map((argument) => ({
        name: argument.name,
        ...(argument.description !== undefined && { description: argument.description }),
        required: argument.required,
      })),
    }),
  };
}

/**
 * Answers `prompts/get`: the prompt's messages with `{{NAME}}` replaced by the argument NAME.
 *
 * An optional argument that isn't given leaves nothing behind. What names no argument of the prompt stays as it is: messages
 * may be about templates. Arguments beyond those are of no account. Values aren't templates: a placeholder in one stays.
 *
 * @param args `params.arguments` of the request
 * @throws {PromptArgumentError} naming each required argument that isn't given, or an argument that is too long
 * @see https://github.com/containers/kubernetes-mcp-server/blob/main/docs/prompts.md
 */
export function renderPrompt(prompt: Prompt, args: Readonly<Record<string, string>> = {}): GetPromptResult {
  const given = new Map(Object.entries(args));
  const missing = prompt.arguments.filter(({ name, required }) => required && !given.has(name));
  if (missing.length > 0) {
    const names = missing.map(({ name }) => `"${name}"`).join(', ');
    const what = missing.length === 1 ? 'argument' : 'arguments';
    throw new PromptArgumentError(`Prompt ${prompt.name} needs the ${what} ${names}.`);
  }
  const values = new Map(prompt.arguments.map(({ name }) => [name, given.get(name) ?? '']));
  for (const [name, value] of values) {
    if (value.length <= MAX_ARGUMENT) continue;
    throw new PromptArgumentError(
      `Argument "${name}" of prompt ${prompt.name} is longer than ${MAX_ARGUMENT} characters.`,
    );
  }
  const fill = (text: string) =>
    text.replace(PLACEHOLDER, (placeholder, name: string) => values.get(name) ?? placeholder);
  return {
    ...(prompt.description !== undefined && { description: prompt.description }),
    messages: prompt.messages.map(({ role, content }) => ({ role, content: { type: 'text', text: fill(content) } })),
  };
}
