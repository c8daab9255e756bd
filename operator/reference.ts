// Renders the generated parts of docs/api/kcpmcpserver.md: the table of fields and those of conditions and reasons.
import { CAUSES, type ConditionType, reasonDocs, typeDocs } from './src/api/conditions.ts';
import type { StructuralSchema } from './src/api/crd.ts';

const cell = (text: string): string => text.replaceAll('|', '\\|');

const row = (...cells: string[]): string => `| ${cells.map(cell).join(' | ')} |`;

function typeOf(schema: StructuralSchema): string {
  if (schema.enum) return schema.enum.join(' \\| ').replaceAll('\\|', '|');
  if (schema['x-kubernetes-int-or-string']) return 'quantity';
  if (schema.items) return `list of ${typeOf(schema.items)}`;
  if (schema.additionalProperties) return `map of ${typeOf(schema.additionalProperties)}`;
  return schema.type ?? '';
}

/** Default in JSON; none for an object, whose default is made up of those of its fields. */
function defaultOf(schema: StructuralSchema): string {
  const value = schema.default;
  if (value === undefined || schema.properties) return '';
  return `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``;
}

function fieldRows(schema: StructuralSchema, path: string): string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
    const fieldPath = path ? `${path}.${name}` : name;
    const nested = field.items?.properties ? field.items : field;
    const required = schema.required?.includes(name) ? ' (required)' : '';
    return [
      row(`\`${fieldPath}\``, `${typeOf(field)}${required}`, defaultOf(field), field.description ?? ''),
      ...fieldRows(nested, field.items?.properties ? `${fieldPath}[]` : fieldPath),
    ];
  });
}

/** Table of every field below `spec` or `status`. */
export function fieldTable(root: StructuralSchema, name: 'spec' | 'status'): string {
  const schema = root.properties?.[name];
  if (!schema) throw new Error(`the schema has no ${name}`);
  return [row('Field', 'Type', 'Default', 'Meaning'), '| --- | --- | --- | --- |', ...fieldRows(schema, name)].join(
    '\n',
  );
}

/** Every CEL rule of the schema, as the messages that a bad resource is refused with. */
export function ruleList(schema: StructuralSchema, path = ''): string {
  const lines: string[] = [];
  const walk = (node: StructuralSchema, at: string): void => {
    for (const rule of (node['x-kubernetes-validations'] ?? []) as { message: string }[])
      lines.push(`- \`${at || 'the resource'}\`: ${rule.message}`);
    for (const [name, child] of Object.entries(node.properties ?? {})) walk(child, at ? `${at}.${name}` : name);
    if (node.items) walk(node.items, `${at}[]`);
  };
  walk(schema, path);
  return lines.join('\n');
}

/** Tables of condition types and of reasons. */
export function conditionTables(): string {
  const causes: readonly ConditionType[] = CAUSES;
  return [
    row('Condition', 'Meaning of True'),
    '| --- | --- |',
    ...Object.entries(typeDocs).map(([name, { meaning }]) =>
      row(`\`${name}\`${causes.includes(name as ConditionType) ? ' (cause)' : ''}`, meaning),
    ),
    '',
    row('Reason', 'On', 'Meaning', 'What to do'),
    '| --- | --- | --- | --- |',
    ...Object.entries(reasonDocs).map(([name, { on, meaning, cure }]) =>
      row(`\`${name}\``, on.join(', '), meaning, cure ?? ''),
    ),
  ].join('\n');
}
