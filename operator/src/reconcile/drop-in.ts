/**
 * The ConfigMap with further configuration that spec.config.dropInRef names, or, while there is something wrong with it,
 * the last one that was good: it lies beside config.toml, in our own ConfigMap.
 */
import { CONFIG_MAP } from '../api/external.ts';
import { keyOf, type ObjectKey } from '../kube/index.ts';
import { childNames, InvalidDropInError, readDropIn, type DropIn } from '../resources/index.ts';
import { runtimeConfig } from '../resources/config-map.ts';
import { DROP_IN_KEY } from '../resources/pod-layout.ts';
import { forbidden, waiting, type Problem } from './errors.ts';
import { grantCommand, READ_VERBS } from './grant.ts';
import type { DataObject } from './objects.ts';
import { NotYetKnownError } from './references.ts';
import { isOurs, type Run } from './run.ts';
import { oneLine } from './text.ts';

export type ResolvedDropIn = {
  /** What is wrong with the one that the spec names. */
  problem?: Problem;
} & (
  | {
      /** config.toml can be made; with this, if there is any. */
      usable: true;
      dropIn?: DropIn;
      /** Where it lies, for people. */
      from?: string;
    }
  | { usable: false; problem: Problem }
);

type Context = Pick<Run, 'server' | 'sources' | 'looks' | 'grantee'>;

/** Longer than all that one drop-in can have against it. */
const MAX_TEXT = 2048;

/** Asks for it, where there is one to ask for. */
export function lookAtDropIn({ server, sources, looks }: Context): void {
  const ref = server.spec.config?.dropInRef;
  if (ref) looks.look(sources.sources.ConfigMap, { namespace: server.metadata.namespace, name: ref.name });
}

/**
 * Reads what spec.config.dropInRef names.
 * @throws NotYetKnownError while the API server hasn't answered
 * @throws InvalidConfigError if the spec itself can't be expressed in config.toml
 */
export function resolveDropIn(context: Context): ResolvedDropIn {
  const { server } = context;
  const ref = server.spec.config?.dropInRef;
  if (!ref) return { usable: true };
  const key = { namespace: server.metadata.namespace, name: ref.name };
  const from = `ConfigMap ${keyOf(key)}, key ${ref.key}`;
  const found = read(key, ref.key, context);
  if (found.problem) return lastGood(found.problem, context);
  try {
    return { usable: true, dropIn: readDropIn(found.text, runtimeConfig(server)), from };
  } catch (error) {
    if (!(error instanceof InvalidDropInError)) throw error;
    return lastGood(waiting('InvalidDropIn', `${from}: ${oneLine(error.message, MAX_TEXT)}`), context);
  }
}

function read(
  key: ObjectKey,
  dataKey: string,
  context: Context,
): { text: string; problem?: never } | { problem: Problem } {
  const what = `ConfigMap ${keyOf(key)}`;
  const seen = look(key, context);
  if (seen.state === 'forbidden') {
    const command = grantCommand({ resource: CONFIG_MAP.plural, key, verbs: READ_VERBS, grantee: context.grantee });
    return { problem: forbidden(`the operator may not read ${what}`, command) };
  }
  if (seen.state === 'absent') {
    const cure = 'create it with further TOML, or correct spec.config.dropInRef';
    return { problem: waiting('NotFound', `${what} not found: ${cure}`) };
  }
  const text = seen.object.data?.[dataKey];
  if (text !== undefined) return { text };
  return { problem: waiting('KeyMissing', `${what} has no key ${dataKey}, which must hold TOML`) };
}

function look(key: ObjectKey, { sources, looks }: Context) {
  const seen = looks.look(sources.sources.ConfigMap, key);
  if (seen.state === 'pending') throw new NotYetKnownError();
  return seen;
}

/** What runs goes on with what it has, and the spec stays in force. Without anything to go on with, nothing starts. */
function lastGood(problem: Problem, context: Context): ResolvedDropIn {
  const { server } = context;
  const key = { namespace: server.metadata.namespace, name: childNames(server.metadata.name).configMap };
  const seen = look(key, context);
  const own: DataObject | undefined = seen.state === 'present' && isOurs(server)(seen.object) ? seen.object : undefined;
  if (!own) return { usable: false, problem };
  const text = own.data?.[DROP_IN_KEY];
  if (text === undefined) return { usable: true, problem: goingOn(problem, 'without it') };
  try {
    const dropIn = readDropIn(text, runtimeConfig(server), { gates: 'outdated' });
    return { usable: true, dropIn, problem: goingOn(problem, 'with the last good one') };
  } catch (error) {
    if (!(error instanceof InvalidDropInError)) throw error;
    // A newer operator may refuse what an older one took.
    const why = `The last good one isn't any more (${oneLine(error.message)})`;
    return {
      usable: false,
      problem: { ...problem, message: `${problem.message}. ${why}: config.toml stays as it is` },
    };
  }
}

const goingOn = (problem: Problem, how: string): Problem => ({
  ...problem,
  message: `${problem.message}. The server goes on ${how}`,
});
