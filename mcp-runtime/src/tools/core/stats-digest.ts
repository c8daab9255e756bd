import { arrayAt, at, numberAt, stringAt } from '../../kcp/json.ts';
import type { JsonObject } from '../../kcp/json.ts';

// What of kubelet's Summary API a person looks at first, in units that can be read.
// https://kubernetes.io/docs/reference/instrumentation/node-metrics/

/** The node itself. */
export function digestNode(summary: unknown): JsonObject {
  const node = at(summary, 'node');
  return compact({
    node: stringAt(node, 'nodeName') ?? '',
    upSince: stringAt(node, 'startTime'),
    cpu: cpu(node),
    memory: memory(node),
    swap: bytes(at(node, 'swap', 'swapUsageBytes')),
    filesystem: filesystem(at(node, 'fs')),
    images: filesystem(at(node, 'runtime', 'imageFs')),
    network: network(node),
    processes: part(numberAt(node, 'rlimit', 'curproc'), numberAt(node, 'rlimit', 'maxpid')),
    pressure: pressure(node),
    systemContainers: named(arrayAt(node, 'systemContainers'), use),
  });
}

/** The Pods, those that use most memory first. */
export function digestPods(pods: readonly unknown[]): JsonObject[] {
  return pods
    .toSorted((a, b) => workingSet(b) - workingSet(a))
    .map((pod) =>
      compact({
        pod: `${stringAt(pod, 'podRef', 'namespace') ?? ''}/${stringAt(pod, 'podRef', 'name') ?? ''}`,
        cpu: cpu(pod),
        memory: memory(pod),
        swap: bytes(at(pod, 'swap', 'swapUsageBytes')),
        ephemeralStorage: bytes(at(pod, 'ephemeral-storage', 'usedBytes')),
        network: network(pod),
        processes: numberAt(pod, 'process_stats', 'process_count'),
        pressure: pressure(pod),
        containers: named(arrayAt(pod, 'containers'), use),
        volumes: named(arrayAt(pod, 'volume'), filesystem),
      }),
    );
}

function workingSet(part: unknown): number {
  return numberAt(part, 'memory', 'workingSetBytes') ?? 0;
}

function use(container: unknown): string {
  return [cpu(container), bytes(at(container, 'memory', 'workingSetBytes'))]
    .filter((value) => value !== undefined)
    .join(', ');
}

function cpu(part: unknown): string | undefined {
  const nano = numberAt(part, 'cpu', 'usageNanoCores');
  return nano === undefined ? undefined : `${Math.ceil(nano / 1e6)}m`;
}

/** What can't be reclaimed counts; the rest are caches. */
function memory(part: unknown): string | undefined {
  const used = bytes(at(part, 'memory', 'workingSetBytes'));
  const available = bytes(at(part, 'memory', 'availableBytes'));
  if (used === undefined) return undefined;
  return available === undefined ? used : `${used}, ${available} available`;
}

function filesystem(fs: unknown): string | undefined {
  const used = numberAt(fs, 'usedBytes');
  const capacity = numberAt(fs, 'capacityBytes');
  if (used === undefined) return undefined;
  if (capacity === undefined) return bytes(used);
  const inodes = part(numberAt(fs, 'inodesUsed'), numberAt(fs, 'inodes'));
  return `${bytes(used) ?? ''} of ${bytes(capacity) ?? ''}${percent(used, capacity)}${inodes === undefined ? '' : `, inodes ${inodes}`}`;
}

function network(part: unknown): string | undefined {
  const [received, sent] = ['rxBytes', 'txBytes'].map((key) => bytes(at(part, 'network', key)));
  if (received === undefined || sent === undefined) return undefined;
  const errors = (numberAt(part, 'network', 'rxErrors') ?? 0) + (numberAt(part, 'network', 'txErrors') ?? 0);
  return `${received} received, ${sent} sent, ${errors} errors`;
}

/** Pressure Stall Information: per cent of the last 10, 60 and 300 seconds in which some waited. */
function pressure(part: unknown): JsonObject | undefined {
  const found = ['cpu', 'memory', 'io'].flatMap((resource) => {
    const some = at(part, resource, 'psi', 'some');
    const [short, middle, long] = ['avg10', 'avg60', 'avg300'].map((key) => numberAt(some, key));
    return short === undefined ? [] : [[resource, `${short}%, ${middle ?? 0}%, ${long ?? 0}% of 10, 60, 300 s`]];
  });
  const stalled = found.filter(([, text = '']) => !text.startsWith('0%, 0%, 0%'));
  return stalled.length === 0 ? undefined : (Object.fromEntries(stalled) as JsonObject);
}

function part(used: number | undefined, whole: number | undefined): string | undefined {
  return used === undefined || whole === undefined ? undefined : `${used} of ${whole}${percent(used, whole)}`;
}

function percent(used: number, whole: number): string {
  return whole > 0 ? ` (${Math.floor((used / whole) * 100)}%)` : '';
}

const UNITS = ['KiB', 'MiB', 'GiB', 'TiB'];

/** `512 B`, `3.2 MiB`. */
function bytes(value: unknown): string | undefined {
  if (typeof value !== 'number') return undefined;
  let scaled = value;
  let unit = 'B';
  for (const next of UNITS) {
    if (scaled < 1024) break;
    scaled /= 1024;
    unit = next;
  }
  return `${unit === 'B' ? scaled : scaled.toFixed(1)} ${unit}`;
}

function named(parts: readonly unknown[], describe: (part: unknown) => string | undefined): JsonObject | undefined {
  const entries = parts.map((each) => [stringAt(each, 'name') ?? '', describe(each)] as const);
  return entries.length === 0 ? undefined : compact(Object.fromEntries(entries));
}

/** Without what isn't known. */
function compact(fields: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
