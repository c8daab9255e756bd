import type { z } from 'zod';
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
  /** One line that names source, line, key, value and cure. */
  readonly text: string;
}

/** Everything that is wrong with a configuration. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly Problem[];
  constructor(problems: readonly Problem[]) {
    super(problems.map(({ text }) => text).join('\n'));
    this.problems = problems;
  }
}

type Path = readonly (string | number)[];

const MAX_SHOWN = 60;
const SECRET_KEY = /secret|token|password/i;

/** Puts together what a person reads of a problem. */
export function problem({ name, text }: Pick<ConfigSource, 'name' | 'text'>, path: Path, what: string): Problem {
  const line = locate(text, path);
  return { source: name, line, text: visible(`${name}${line === undefined ? '' : `:${line}`}: ${what}`) };
}

/** What the schema has against a merged configuration, in the order of `sources`, each from its first line on. */
export function describeIssues(
  issues: readonly z.core.$ZodIssue[],
  merged: Merged,
  sources: readonly ConfigSource[],
): Problem[] {
  const order = sources.map(({ name }) => name);
  return issues
    .flatMap((issue) => describe(issue, merged))
    .toSorted((a, b) => order.indexOf(a.source) - order.indexOf(b.source) || (a.line ?? 0) - (b.line ?? 0));
}

function describe(issue: z.core.$ZodIssue, { document, sourceOf }: Merged): Problem[] {
  const path = issue.path.filter((part) => typeof part !== 'symbol');
  const at = (where: Path, text: string) => problem(sourceOf(where), where, text);
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => {
      const full = [...path, key];
      // zod's own message: a key that neither upstream nor we know.
      if (issue.message.startsWith('Unrecognized key'))
        return at(full, `${keyName(full)}: unknown key; ${suggestion(key, path)}`);
      return at(full, `${keyName(full)} = ${show(keyName(full), valueAt(document, full))}: ${issue.message}`);
    });
  }
  const value = valueAt(document, path);
  const key = keyName(path);
  if (value === undefined) return [at(path, `${key} is missing: it ${issue.message.replace(/^is missing: /, '')}`)];
  return [at(path, `${key} = ${show(key, value)}: ${issue.message}`)];
}

/** `denied_resources[1].kind`, as one would write it. */
export function keyName(path: Path): string {
  return path.reduce<string>((name, part) => {
    if (typeof part === 'number') return `${name}[${part}]`;
    const key = /^[A-Za-z0-9_-]+$/.test(part) ? part : JSON.stringify(part);
    return name === '' ? key : `${name}.${key}`;
  }, '');
}

export function valueAt(document: unknown, path: Path): unknown {
  let value = document;
  for (const part of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined;
    value = (value as Record<string | number, unknown>)[part];
  }
  return value;
}

/** A value as an error may show it: short, on one line, and no secret; tables may hold one under any name. */
export function show(key: string, value: unknown): string {
  if (SECRET_KEY.test(key)) return '(not shown)';
  if (Array.isArray(value) && value.some((item) => typeof item === 'object')) return '[…]';
  if (typeof value === 'object' && !Array.isArray(value)) return '{…}';
  // A user name and password in a URL.
  const text = JSON.stringify(value).replace(/\/\/[^/@"]*@/, '//(not shown)@');
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
}

/** Characters that would hide or reorder what a person reads, as their code points: problems are read in terminals. */
function visible(text: string): string {
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

/** Looks through `.default()`, `.prefault()`, `.optional()` and `.transform()`. */
function unwrap(schema: unknown): Inner {
  let inner = schema as { def?: { innerType?: unknown; in?: unknown } } | undefined;
  for (;;) {
    const next = inner?.def?.innerType ?? inner?.def?.in;
    if (next === undefined) return (inner ?? {}) as Inner;
    inner = next as typeof inner;
  }
}
