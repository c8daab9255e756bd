import { z } from 'zod';
import type { Tool, ToolDefinition } from './tool.ts';

/** What clients are told of a tool. */
export function define({ name, title, description, annotations, input, output }: Tool): ToolDefinition {
  return {
    name,
    title,
    description,
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

/** Wrong arguments, so that the next call can be right: what's wrong, and which arguments there are. */
export function describeIssues({ name, input }: Tool, { issues }: z.ZodError): string {
  const wrong = issues
    .slice(0, 5)
    .map(({ path, message }) => (path.length === 0 ? message : `${path.join('.')}: ${message}`));
  const known = Object.keys(z.toJSONSchema(input, { io: 'input' }).properties ?? {});
  const takes = known.length === 0 ? 'no arguments' : known.join(', ');
  return `Wrong arguments for ${name}: ${wrong.join('; ')}. It takes: ${takes}.`;
}
