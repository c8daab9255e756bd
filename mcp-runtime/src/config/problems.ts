import type * as z from 'zod';
import { near } from '../kcp/near.ts';
import { locate } from './locate.ts';
import type { ConfigSource, Merged } from './merge.ts';
import { runtimeConfigSchema } from './schema.ts';

/** One thing that is wrong with a configuration. */
export interface Problem {
  /** Name of the source that is to be mended. */
  readonly source: string;
  /** From 1; undefined where no line says anything of it. */
  readonly line?: number | undefined;
  readonly column?: number;
  /** Key, value and cure, on one line without characters that don't print. */
  readonly what: string;
}

/** `FILE:LINE: WHAT` */
function textOf({ source, line, column, what }: Problem): string {
  return `${[source, line, column].filter((part) => part !== undefined).join(':')}: ${what}`;
}

/** Everything that is wrong with a configuration; the message has a line for each problem. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  /** One line each, that names source, line, key, value and cure. */
  readonly problems: readonly string[];
  /** The same, taken apart. */
  readonly details: readonly Problem[];
  constructor(details: readonly Problem[]) {
    const problems = details.map(textOf);
    super(problems.join('\n'));
    this.problems = problems;
    this.details = details;
  }
}

type Path = readonly (string | number)[];

const MAX_SHOWN = 60;
const SECRET_KEY = /secret|token|password/i;
/** What sounds secret in a key and isn't: paths, names of protocols, the table of the exchange. */
const NO_SECRET = /^token_exchange\.|\w+_(file|strategy|type)$/g;

/** A problem with the value at `path`. */
export function problemAt({ name, text }: Pick<ConfigSource, 'name' | 'text'>, path: Path, what: string): Problem {
  return { source: name, line: locate(text, path), what: visible(what) };
}

/** A file with thousands of mistakes is not worth the time that it takes to find all their lines. */
const MAX_DESCRIBED = 50;

/** What the schema has against a merged configuration, in the order of `sources`, each from its first line on. */
export function describeIssues(
  issues: readonly z.core.$ZodIssue[],
  merged: Merged,
  sources: readonly ConfigSource[],
): Problem[] {
  const order = sources.map(({ name }) => name);
  const complaints = issues.flatMap(complaintsOf);
  const described = complaints
    .slice(0, MAX_DESCRIBED)
    .map(({ path, say }) => problemAt(merged.sourceOf(path), path, say(valueAt(merged.document, path))))
    .toSorted((a, b) => order.indexOf(a.source) - order.indexOf(b.source) || (a.line ?? 0) - (b.line ?? 0));
  const more = complaints.length - described.length;
  const last = described.at(-1);
  return last === undefined || more === 0
    ? described
    : [...described, { source: last.source, what: `and ${more} more` }];
}

interface Complaint {
  readonly path: Path;
  /** Key, value and cure. */
  readonly say: (value: unknown) => string;
}

function complaintsOf(issue: z.core.$ZodIssue): Complaint[] {
  const path = issue.path.filter((part) => typeof part !== 'symbol');
  const { message } = issue;
  if (issue.code !== 'unrecognized_keys') return [{ path, say: (value) => complaint(path, value, message) }];
  return issue.keys.map((key) => {
    const full = [...path, key];
    // zod's own message: a key that neither upstream nor we know.
    const isUnknown = message.startsWith('Unrecognized key');
    const say = (value: unknown) =>
      isUnknown ? `${keyName(full)}: unknown key; ${suggestion(key, path)}` : complaint(full, value, message);
    return { path: full, say };
  });
}

/** `KEY = VALUE: MESSAGE` */
export function complaint(path: Path, value: unknown, message: string): string {
  const key = keyName(path);
  if (value === undefined) return `${key} is missing: it ${message.replace(/^is missing: /, '')}`;
  return `${key} = ${show(key, value)}: ${message}`;
}

/** `denied_resources[1].kind`, as one would write it. */
function keyName(path: Path): string {
  return path.reduce<string>((name, part) => {
    if (typeof part === 'number') return `${name}[${part}]`;
    const key = /^[A-Za-z0-9_-]+$/.test(part) ? part : JSON.stringify(part);
    return name === '' ? key : `${name}.${key}`;
  }, '');
}

function valueAt(document: unknown, path: Path): unknown {
  let value = document;
  for (const part of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined;
    value = (value as Record<string | number, unknown>)[part];
  }
  return value;
}

/** A value as an error may show it: short, on one line, and no secret; tables may hold one under any name. */
function show(key: string, value: unknown): string {
  if (SECRET_KEY.test(key.replace(NO_SECRET, ''))) return '(not shown)';
  if (Array.isArray(value) && value.some((item) => typeof item === 'object')) return '[…]';
  if (typeof value === 'object' && !Array.isArray(value)) return '{…}';
  // A user name and password in a URL.
  const text = JSON.stringify(value).replace(/\/\/[^/@"]*@/, '//(not shown)@');
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
}

/** Characters that would hide or reorder what a person reads, as their code points: problems are read in terminals. */
export function visible(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  );
}

/** What somebody who wrote an unknown key probably meant. */
function suggestion(key: string, path: Path): string {
  const [close] = near(key, knownKeys(path), 1);
  return close === undefined ? 'remove it or see docs/configuration.md for the keys' : `did you mean ${close}?`;
}

function knownKeys(path: Path): string[] {
  let schema: unknown = runtimeConfigSchema;
  for (const part of path) {
    const { element, shape, valueType } = unwrap(schema);
    schema = typeof part === 'number' ? element : (shape?.[part] ?? valueType);
  }
  return Object.keys(unwrap(schema).shape ?? {});
}

interface Inner {
  /** Of an array. */
  readonly element?: unknown;
  /** Of a table. */
  readonly shape?: Readonly<Record<string, unknown>>;
  /** Of a table whose keys are names. */
  readonly valueType?: unknown;
}

/** Whether the schema has this key. */
export const isKnownKey = (path: readonly string[]): boolean =>
  knownKeys(path.slice(0, -1)).includes(path.at(-1) ?? '');

/** Looks through `.default()`, `.prefault()`, `.optional()` and `.transform()`. */
function unwrap(schema: unknown): Inner {
  let inner = schema as { def?: { innerType?: unknown; in?: unknown } } | undefined;
  for (;;) {
    const next = inner?.def?.innerType ?? inner?.def?.in;
    if (next === undefined) return (inner ?? {}) as Inner;
    inner = next as typeof inner;
  }
}
