import { readFile } from 'node:fs/promises';
import { parse, TomlError } from 'smol-toml';
import type { z } from 'zod';
import { near } from '../kcp/near.ts';
import { locate } from './locate.ts';
import { runtimeConfigSchema, type RuntimeConfig } from './schema.ts';

/** Everything that is wrong with a configuration file; each problem is one line that names file, line, key, value and cure. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.problems = problems;
  }
}

const MAX_SHOWN = 60;
const SECRET_KEY = /secret|token|password/i;

/**
 * Reads and checks `config.toml`.
 *
 * @throws {ConfigError} naming every problem at once, also when the file can't be read.
 */
export async function loadConfig(file: string): Promise<RuntimeConfig> {
  let source: string;
  try {
    source = await readFile(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new ConfigError([
      `${file}: can't be read (${code ?? 'unknown error'}); give the path of an existing file with --config`,
    ]);
  }
  return parseConfig(source, file);
}

/** Checks the text of a configuration file; `file` is used in messages only. @throws {ConfigError} */
export function parseConfig(source: string, file: string): RuntimeConfig {
  let document: Record<string, unknown>;
  try {
    document = parse(source);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    // The first line of smol-toml's message is the cause; what follows quotes the file, which may hold a secret.
    const cause = error.message.split('\n')[0]?.replace(/^Invalid TOML document: /, '') ?? 'syntax error';
    throw new ConfigError([`${file}:${error.line}:${error.column}: isn't valid TOML: ${cause}; correct the line`]);
  }
  const checked = runtimeConfigSchema.safeParse(document);
  if (checked.success) return checked.data;
  const problems = checked.error.issues.flatMap((issue) => describe(issue, document, source, file));
  throw new ConfigError(problems.toSorted((a, b) => a.line - b.line).map((problem) => problem.text));
}

interface Problem {
  readonly line: number;
  readonly text: string;
}

function describe(issue: z.core.$ZodIssue, document: unknown, source: string, file: string): Problem[] {
  const path = issue.path.filter((part) => typeof part !== 'symbol');
  const at = (where: (string | number)[], text: string): Problem => {
    const line = locate(source, where);
    return { line: line ?? 0, text: `${file}${line === undefined ? '' : `:${line}`}: ${text}` };
  };
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => {
      const full = [...path, key];
      // zod's own message: a key that neither upstream nor we know.
      if (issue.message.startsWith('Unrecognized key'))
        return at(full, `${keyName(full)}: unknown key; ${suggestion(key, path)}`);
      return at(full, `${keyName(full)} = ${show(key, valueAt(document, full))}: ${issue.message}`);
    });
  }
  const value = valueAt(document, path);
  const key = keyName(path);
  if (value === undefined) return [at(path, `${key} is missing: it ${issue.message.replace(/^is missing: /, '')}`)];
  return [at(path, `${key} = ${show(key, value)}: ${issue.message}`)];
}

/** `denied_resources[1].kind` */
function keyName(path: readonly (string | number)[]): string {
  return path.reduce<string>((name, part) => {
    if (typeof part === 'number') return `${name}[${part}]`;
    return name === '' ? part : `${name}.${part}`;
  }, '');
}

function valueAt(document: unknown, path: readonly (string | number)[]): unknown {
  let value = document;
  for (const part of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Record<string | number, unknown>)[part];
  }
  return value;
}

/** A value as an error may show it: short, on one line, and no secret; tables may hold one under any name. */
function show(key: string, value: unknown): string {
  if (SECRET_KEY.test(key)) return '(not shown)';
  if (Array.isArray(value) && value.some((item) => typeof item === 'object')) return '[…]';
  if (typeof value === 'object' && !Array.isArray(value)) return '{…}';
  // A user name and password in a URL.
  const text = JSON.stringify(value).replace(/\/\/[^/@"]*@/, '//(not shown)@');
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
}

/** What somebody who wrote an unknown key probably meant. */
function suggestion(key: string, path: readonly (string | number)[]): string {
  const [close] = near(key, knownKeys(path), 1);
  return close === undefined ? 'remove it or see docs/configuration.md for the keys' : `did you mean ${close}?`;
}

function knownKeys(path: readonly (string | number)[]): string[] {
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
