import type { ToolDefinition } from '../tools/index.ts';

interface Property {
  readonly type?: string;
  readonly enum?: unknown;
}

/** Right values by argument name; any other text is `sample`. */
const SAMPLES: Readonly<Record<string, unknown>> = {
  workspace: 'root:acme:team-a',
  apiVersion: 'v1',
  kind: 'ConfigMap',
  namespace: 'default',
  resource: JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'sample' } }),
};
const BLANK: Readonly<Record<string, unknown>> = { string: 'sample', boolean: false, integer: 1, number: 1, array: [], object: {} }; // prettier-ignore

function propertiesOf({ inputSchema }: ToolDefinition): [string, Property][] {
  return Object.entries((inputSchema.properties ?? {}) as Record<string, Property>);
}

/** A right value of each argument that a tool needs. */
export function samplesOf(tool: ToolDefinition): Record<string, unknown> {
  const required = new Set(tool.inputSchema.required ?? []);
  return Object.fromEntries(
    propertiesOf(tool)
      .filter(([name]) => required.has(name))
      .map(([name, { type = '' }]) => [name, SAMPLES[name] ?? BLANK[type]]),
  );
}

/** Names of the arguments that take any text. */
export function textArgumentsOf(tool: ToolDefinition): string[] {
  return propertiesOf(tool)
    .filter(([, { type, enum: choices }]) => type === 'string' && choices === undefined)
    .map(([name]) => name);
}
