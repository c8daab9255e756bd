import { CORE_SCHEMA, loadAll, Type, types, YAMLException } from 'js-yaml';
import { isTooComplex } from '../../json-bounds.ts';
import { arrayAt, isObject, stringAt } from '../../kcp/json.ts';
import type { JsonObject } from '../../kcp/json.ts';
import { REDACTED } from '../../output/redact.ts';
import { ToolError } from '../tool.ts';

declare module 'js-yaml' {
  /** The types that schemas consist of, which its published declarations leave out. */
  export const types: Readonly<Record<'int' | 'merge', Type>>;
}

/** An object as somebody wants it to be. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly namespace: string | undefined;
  /** What is sent: without `status` and `managedFields`, which are the API server's. */
  readonly object: JsonObject;
}

/** Objects of one call. */
const MAX_OBJECTS = 50;
/** The most that etcd keeps of one object, and some. */
const MAX_BYTES = 2 * 1024 * 1024;
/** What may stand between two values; the largest CRDs in use have some 30,000. */
const MAX_SEPARATORS = 100_000;
const SEPARATOR = /[\n,[{]|- /g;
const JSON_BOUNDS = { maxValues: MAX_SEPARATORS, maxDepth: 64 };

/** As kubectl reads YAML: `<<` merges, and 0644 is octal. */
const SCHEMA = CORE_SCHEMA.extend({
  implicit: [
    types.merge,
    new Type('tag:yaml.org,2002:int', {
      kind: 'scalar',
      resolve: (text: unknown) => isOctal(text) || types.int.resolve(text),
      construct: (text: string) => (isOctal(text) ? Number.parseInt(text, 8) : (types.int.construct(text) as number)),
    }),
  ],
});

function isOctal(text: unknown): boolean {
  return typeof text === 'string' && /^0[0-7]+$/.test(text);
}

/**
 * Reads the objects of a YAML or JSON text: one document or several, a `List` is what it holds.
 * @throws {ToolError} naming the document, where in it, what is wrong and what to write.
 */
export function parseManifests(text: string): Manifest[] {
  if (Buffer.byteLength(text) > MAX_BYTES) throw invalid(`is larger than ${MAX_BYTES / 1024 / 1024} MiB`);
  const documents = parseJson(text) ?? parseYaml(text);
  const objects = documents.flatMap((document) =>
    isObject(document) && Array.isArray(document['items']) && /List$/.test(stringAt(document, 'kind') ?? '')
      ? arrayAt(document, 'items')
      : [document],
  );
  if (objects.length === 0) throw invalid('is empty: give a whole object with apiVersion, kind and metadata.name');
  if (objects.length > MAX_OBJECTS)
    throw invalid(`holds more than ${MAX_OBJECTS} objects: apply them in several calls`);
  return objects.map((object, index) => check(object, objects.length === 1 ? '' : `, object ${index + 1},`));
}

function invalid(problem: string, which = ''): ToolError {
  return new ToolError(`resource${which} ${problem}.`, 'invalid');
}

/** JSON is YAML, too, but read many times faster. */
function parseJson(text: string): unknown[] | undefined {
  if (!/^\s*[{[]/.test(text)) return undefined;
  if (isTooComplex(text, JSON_BOUNDS)) throw invalid('holds too many values or is nested too deeply');
  try {
    const value = JSON.parse(text) as unknown;
    return Array.isArray(value) ? (value as unknown[]) : [value];
  } catch {
    return undefined;
  }
}

function parseYaml(text: string): unknown[] {
  if ((text.match(SEPARATOR)?.length ?? 0) > MAX_SEPARATORS) throw invalid('holds too many values');
  const documents: unknown[] = [];
  try {
    loadAll(text, (document) => documents.push(document), { schema: SCHEMA });
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error;
    // Its message quotes the text, where a secret may stand.
    throw invalid(`isn't valid YAML in line ${error.mark.line + 1}: ${error.reason}`);
  }
  let left = JSON_BOUNDS.maxValues;
  // An alias costs one value to read, but all that it stands for to send.
  const count = (value: unknown, depth: number): void => {
    if (--left < 0) throw invalid('holds too many values, those that aliases stand for included');
    // An alias may stand for what it is in.
    if (depth > JSON_BOUNDS.maxDepth + 1)
      throw invalid(`has more than ${JSON_BOUNDS.maxDepth} levels, or an alias for what it is in`);
    if (typeof value !== 'object' || value === null) return;
    for (const item of Object.values(value)) count(item, depth + 1);
  };
  count(documents, 0);
  // What follows the last "---" is often empty.
  return documents.filter((document) => document !== null && document !== undefined);
}

function check(value: unknown, which: string): Manifest {
  if (!isObject(value)) throw invalid('is not an object: give one with apiVersion, kind and metadata.name', which);
  const apiVersion = stringAt(value, 'apiVersion');
  const kind = stringAt(value, 'kind');
  const name = stringAt(value, 'metadata', 'name');
  if (apiVersion === undefined) throw invalid('has no apiVersion, such as v1 or apps/v1', which);
  if (kind === undefined) throw invalid('has no kind, such as ConfigMap', which);
  if (name === undefined) {
    throw invalid(
      'has no metadata.name; generateName does not work here, for the same call twice is to do the same',
      which,
    );
  }
  const at = findRedacted(value, []);
  if (at !== undefined) {
    throw invalid(
      `has ${JSON.stringify(REDACTED)} at ${at}: that stands for a secret value which isn't shown. Write the value that is ` +
        'wanted, or leave the field out',
      which,
    );
  }
  const { status: _, ...object } = value;
  const metadata = { ...(object['metadata'] as JsonObject) };
  delete metadata['managedFields'];
  return {
    apiVersion,
    kind,
    name,
    namespace: stringAt(value, 'metadata', 'namespace'),
    object: { ...object, metadata },
  };
}

/** Where a value stands that this server shows in place of a secret one: applied, it would overwrite that. */
function findRedacted(value: unknown, path: readonly string[]): string | undefined {
  if (typeof value === 'string') return value.startsWith(REDACTED) ? path.join('.') : undefined;
  if (typeof value !== 'object' || value === null) return undefined;
  for (const [key, field] of Object.entries(value)) {
    const found = findRedacted(field, [...path, key]);
    if (found !== undefined) return found;
  }
  return undefined;
}
