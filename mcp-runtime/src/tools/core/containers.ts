import { arrayAt, at, numberAt, stringAt } from '../../kcp/json.ts';
import { oneLine, shorten } from '../../output/text.ts';
import { ToolError } from '../tool.ts';

/** A container of a Pod. */
export interface Container {
  readonly name: string;
  readonly role: 'container' | 'init' | 'ephemeral';
  /** Whether it runs now. */
  readonly running: boolean;
  /** How it is doing, where it doesn't run: `waiting: ImagePullBackOff: …`. */
  readonly state: string;
  readonly restarts: number;
}

const DEFAULT_CONTAINER = 'kubectl.kubernetes.io/default-container';

/** Where a Pod has containers of each role: in its spec, and in its status. */
const ROLES = [
  ['container', 'containers', 'containerStatuses'],
  ['init', 'initContainers', 'initContainerStatuses'],
  ['ephemeral', 'ephemeralContainers', 'ephemeralContainerStatuses'],
] as const;

/** All containers of the Pod, the ones that it is there for first. */
export function containersOf(pod: unknown): Container[] {
  return ROLES.flatMap(([role, specs, statuses]) =>
    arrayAt(pod, 'spec', specs).flatMap((spec) => {
      const name = stringAt(spec, 'name');
      if (name === undefined) return [];
      const status = arrayAt(pod, 'status', statuses).find((each) => stringAt(each, 'name') === name);
      return [
        {
          name,
          role,
          running: at(status, 'state', 'running') !== undefined,
          state: describeState(status),
          restarts: numberAt(status, 'restartCount') ?? 0,
        },
      ];
    }),
  );
}

/**
 * The container that is meant: the one that is named, the only one, the one that the Pod's annotation
 * `kubectl.kubernetes.io/default-container` names, the first.
 *
 * @throws {ToolError} where there is none of that name: names those that there are.
 * @see https://kep.k8s.io/2227
 */
export function chooseContainer(pod: unknown, wanted: string | undefined): Container {
  const containers = containersOf(pod);
  const named = (name: string | undefined) => containers.find((each) => each.name === name);
  if (wanted !== undefined) {
    const found = named(wanted);
    if (found !== undefined) return found;
    throw new ToolError(
      `The Pod has no container ${JSON.stringify(wanted)}. It has: ${list(containers) || 'none'}.`,
      'not_found',
    );
  }
  const [first, second] = containers.filter(({ role }) => role === 'container');
  if (first === undefined) throw new ToolError('The Pod has no containers.', 'not_found');
  const preferred = named(stringAt(pod, 'metadata', 'annotations', DEFAULT_CONTAINER));
  return second === undefined ? first : (preferred ?? first);
}

/** `; other containers: sidecar, setup (init)`; empty where there are none. */
export function others(pod: unknown, chosen: Container): string {
  const rest = containersOf(pod).filter(({ name }) => name !== chosen.name);
  return rest.length === 0 ? '' : `; other containers: ${list(rest)}`;
}

function list(containers: readonly Container[]): string {
  return containers
    .map(({ name, role }) => (role === 'container' ? oneLine(name) : `${oneLine(name)} (${role})`))
    .join(', ');
}

/** `waiting: CrashLoopBackOff: back-off …`, `terminated: exit code 1, Error, at 2026-…`. */
function describeState(status: unknown): string {
  const waiting = at(status, 'state', 'waiting');
  const terminated = at(status, 'state', 'terminated');
  if (at(status, 'state', 'running') !== undefined) return 'running';
  if (terminated !== undefined) {
    const code = numberAt(terminated, 'exitCode');
    const parts = [
      code === undefined ? undefined : `exit code ${code}`,
      stringAt(terminated, 'reason'),
      stringAt(terminated, 'finishedAt') && `at ${stringAt(terminated, 'finishedAt') ?? ''}`,
      stringAt(terminated, 'message'),
    ];
    return `terminated: ${join(parts, ', ')}`;
  }
  if (waiting === undefined) return 'not started';
  return `waiting: ${join([stringAt(waiting, 'reason'), stringAt(waiting, 'message')], ': ') || 'no reason given'}`;
}

function join(parts: readonly (string | undefined)[], separator: string): string {
  return shorten(parts.filter((part) => part !== undefined && part !== '').join(separator), 300);
}
