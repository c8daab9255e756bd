import { near } from '../kcp/near.ts';
import type { RuntimeConfig } from './schema.ts';

/** What a configuration says that is allowed and probably not meant, for the log. */
export interface Hint {
  /** A tool that isn't there can't be called either way: that is worth a warning only where something else was meant or expected. */
  readonly level: 'warn' | 'info';
  readonly text: string;
}

/** Of each sort: who writes hundreds knows what they do. */
const MAX_HINTS = 20;

type HintedConfig = Pick<
  RuntimeConfig,
  'enabled_tools' | 'disabled_tools' | 'tool_overrides' | 'confirmation_rules' | 'prompts'
>;

/**
 * Names of tools that there are none of: upstream has tools that we don't have, and one file may be for both, so they are no
 * error. Placeholders of prompts that look like a misspelt argument.
 *
 * @param tools names of all tools there are, whether they are served or not
 */
export function hintsOf(config: HintedConfig, tools: readonly string[]): Hint[] {
  const known = new Set(tools);
  const named: [key: string, name: string][] = [
    ...config.enabled_tools.map((name): [string, string] => ['enabled_tools', name]),
    ...config.disabled_tools.map((name): [string, string] => ['disabled_tools', name]),
    ...Object.keys(config.tool_overrides).map((name): [string, string] => ['tool_overrides', name]),
    ...config.confirmation_rules.map(({ tool }): [string, string] => ['confirmation_rules', tool]),
  ];
  const unknown = named.filter(([, name]) => name !== '' && !known.has(name));
  const hints = unknown.slice(0, MAX_HINTS).map(([key, name]): Hint => {
    const [close] = near(name, tools, 1);
    const level = close === undefined && key !== 'enabled_tools' ? 'info' : 'warn';
    return {
      level,
      text: `${key}: there is no tool ${name}${close === undefined ? '' : `; did you mean ${close}?`}`,
    };
  });
  const more = unknown.length - hints.length;
  if (more > 0) hints.push({ level: 'info', text: `and ${more} more tools that there are not` });
  return [...hints, ...config.prompts.flatMap(placeholderHints).slice(0, MAX_HINTS)];
}

function placeholderHints({ name, arguments: args, messages }: RuntimeConfig['prompts'][number]): Hint[] {
  const names = args.map((argument) => argument.name);
  const used = messages.flatMap(({ content }) =>
    [...content.matchAll(/\{\{([^{}]+)\}\}/g)].map(([, used = '']) => used),
  );
  return [...new Set(used)].flatMap((placeholder): Hint[] => {
    const [close] = names.includes(placeholder) ? [] : near(placeholder.trim(), names, 1);
    if (close === undefined) return [];
    const text = `prompts: {{${placeholder}}} of ${name} is no argument and stays as it is; did you mean {{${close}}}?`;
    return [{ level: 'warn', text }];
  });
}
