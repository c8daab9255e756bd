import * as z from 'zod';
import { shorten } from '../output/text.ts';
import type { Tool, ToolDefinition } from './tool.ts';

/**
 * What clients are told of a tool.
 * @param override its table in `tool_overrides`.
 */
export function define(
  { name, title, description, annotations, input, output }: Tool,
  override: { readonly description?: string | undefined } = {},
): ToolDefinition {
  return {
    name,
    title,
    description: override.description ?? description,
    annotations: { title, ...annotations },
    inputSchema: z.toJSONSchema(input, { io: 'input' }) as ToolDefinition['inputSchema'],
    ...(output !== undefined && {
      outputSchema: z.toJSONSchema(output),
    }),
  };
}

/** The tool for a cluster that isn't kcp: without the argument that names a workspace. */
export function withoutWorkspace(tool: Tool): Tool {
  const { input } = tool;
  if (!(input instanceof z.ZodObject) || !('workspace' in input.shape)) return tool;
  return { ...tool, input: input.omit({ workspace: true }) };
}

const MAX_ARGUMENT_SHOWN = 80;

/** A call in one line, for the person who has to confirm it. */
export function describeCall(name: string, args: unknown): string {
  const shown = Object.entries(args as object).map(
    ([key, value]) =>
      `${key}: ${shorten(typeof value === 'string' ? value : JSON.stringify(value), MAX_ARGUMENT_SHOWN)}`,
  );
  return `${name}(${shown.join(', ')})`;
}

/** Wrong arguments, so that the next call can be right: what's wrong, and which arguments there are. */
export function describeIssues({ name, input }: Tool, { issues }: z.ZodError): string {
  const wrong = issues
    .slice(0, 5)
    .map(({ path, message }) => shorten(path.length === 0 ? message : `${path.join('.')}: ${message}`, 300));
  const known = Object.keys(z.toJSONSchema(input, { io: 'input' }).properties ?? {});
  const takes = known.length === 0 ? 'no arguments' : known.join(', ');
  return `Wrong arguments for ${name}: ${wrong.join('; ')}. It takes: ${takes}.`;
}
