import { parse, TomlError } from 'smol-toml';
import { mergeSources, type ConfigSource } from './merge.ts';
import { ConfigError, describeIssues, visible } from './problems.ts';
import { runtimeConfigSchema, type RuntimeConfig } from './schema.ts';

export type { ConfigSource, Table } from './merge.ts';
export { complaint, ConfigError, isKnownKey, problemAt, type Problem } from './problems.ts';

/**
 * Parses the text of a configuration file.
 *
 * @param name where the text lies, for messages
 * @throws {ConfigError} naming line, column and cause; never a part of the text, which may hold a secret.
 */
export function parseSource(text: string, name: string): ConfigSource {
  try {
    return { name, text, document: parse(text) };
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    // The first line of smol-toml's message is the cause; what follows quotes the file.
    const cause = error.message.split('\n')[0]?.replace(/^Invalid TOML document: /, '') ?? 'syntax error';
    const { line, column } = error;
    const what = visible(`isn't valid TOML: ${cause}; correct the line`);
    throw new ConfigError([{ source: name, line, column, what }]);
  }
}

/**
 * Merges the sources, the later over the earlier, and checks the whole.
 *
 * @param sources the main file comes first: what is missing is laid to it
 * @throws {ConfigError} naming every problem at once, each with the source that set the value.
 */
export function checkConfig(sources: readonly ConfigSource[]): RuntimeConfig {
  const merged = mergeSources(sources);
  const checked = runtimeConfigSchema.safeParse(merged.document);
  if (checked.success) return checked.data;
  throw new ConfigError(describeIssues(checked.error.issues, merged, sources));
}
