// The operator's flags as values of the chart, from the operator's own list of them.
import { FLAGS, type Flag } from '../src/options.ts';
import type { Block } from './template.ts';

/** Flags that are no values: the manifests set them, or they make no sense in a Pod. */
const ELSEWHERE = new Set([
  'kubeconfig',
  'context',
  'runtime-image', // image.runtime
  'lease-namespace', // the Pod's own
  'metrics-bind-address', // ports, probes and Service go by it
  'help',
  'version',
]);

export const valueFlags: readonly Flag[] = FLAGS.filter(({ name }) => !ELSEWHERE.has(name));

/** Name of the flag's value: `log-level` is `flags.logLevel`. */
export const valueName = ({ name }: Flag): string =>
  name.replaceAll(/-(.)/g, (_, letter: string) => letter.toUpperCase());

type Kind = 'boolean' | 'integer' | 'list' | 'string';

function kindOf({ value = '' }: Flag): Kind {
  if (value === 'true|false') return 'boolean';
  if (value === 'N') return 'integer';
  return value.includes('…') ? 'list' : 'string';
}

/** JSON schema of the flag's value. What it doesn't say, the program checks when it starts. */
export function schemaOf(flag: Flag): Record<string, unknown> {
  const kind = kindOf(flag);
  if (kind === 'list') return { type: 'array', items: { type: 'string' } };
  const choices = flag.value?.split('|') ?? [];
  if (kind === 'string' && choices.length > 1) return { enum: [...choices, null] };
  return { type: [kind, 'null'] };
}

/** Unset, which leaves it to the program. */
export const unset = (flag: Flag): unknown => (kindOf(flag) === 'list' ? [] : null);

/** The argument, where the value is set. */
export function argument(flag: Flag): Block {
  const value = `.Values.flags.${valueName(flag)}`;
  const kind = kindOf(flag);
  const text = kind === 'list' ? `(join "," ${value})` : value;
  const condition = kind === 'list' ? value : `not (kindIs "invalid" ${value})`;
  return () => [`{{- if ${condition} }}`, `- {{ printf "--${flag.name}=%v" ${text} | quote }}`, '{{- end }}'];
}
