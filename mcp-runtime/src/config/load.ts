import { readFile } from 'node:fs/promises';
import { checkConfig, parseSource } from './check.ts';
import { dropInFolder, listDropIns } from './drop-ins.ts';
import type { ConfigSource } from './merge.ts';
import { ConfigError, type Problem } from './problems.ts';
import type { RuntimeConfig } from './schema.ts';

export { ConfigError } from './problems.ts';

/**
 * Reads and checks the configuration: the main file, and over it the drop-in files of a folder.
 *
 * @param file main file; may be left out where there are drop-ins
 * @param folder see {@link dropInFolder}
 * @throws {ConfigError} naming every problem at once, also when a file can't be read.
 */
export async function loadConfig(file: string | undefined, folder?: string): Promise<RuntimeConfig> {
  const place = dropInFolder(file, folder);
  const wrong: Problem[] = [];
  const sources: ConfigSource[] = [];
  const paths = await attempt(wrong, () => list(place));
  for (const path of [...(file === undefined ? [] : [file]), ...(paths ?? [])]) {
    const source = await attempt(wrong, () => read(path, path === file));
    if (source !== undefined) sources.push(source);
  }
  if (wrong.length > 0) throw new ConfigError(wrong);
  if (sources.length === 0) {
    const what = 'holds no *.toml file; put one there, or give the main file with --config';
    throw new ConfigError([{ source: place, what }]);
  }
  // Without a main file it is the folder that lacks what is missing.
  if (file === undefined) sources.unshift({ name: place, text: '', document: {} });
  return checkConfig(sources);
}

/** Checks the text of a configuration file; `file` is used in messages only. @throws {ConfigError} */
export function parseConfig(text: string, file: string): RuntimeConfig {
  return checkConfig([parseSource(text, file)]);
}

/** Collects what is wrong with one file, so that all are told of together. */
async function attempt<T>(wrong: Problem[], step: () => Promise<T>): Promise<T | undefined> {
  try {
    return await step();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    wrong.push(...error.details);
    return undefined;
  }
}

async function read(path: string, isMain: boolean): Promise<ConfigSource> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    const cure = isMain ? 'give the path of an existing file with --config' : 'make it readable or remove it';
    throw unreadable(path, error, cure);
  }
  return parseSource(text, path);
}

async function list(folder: string): Promise<string[]> {
  try {
    return await listDropIns(folder);
  } catch (error) {
    throw unreadable(folder, error, 'give a folder of drop-in files with --config-dir');
  }
}

function unreadable(path: string, error: unknown, cure: string): ConfigError {
  const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
  return new ConfigError([{ source: path, what: `can't be read (${code}); ${cure}` }]);
}
