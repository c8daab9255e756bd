import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { KcpHandle } from './handle.ts';
import { isRealKcpGiven } from './which-kcp.ts';

/** A request to a real kcp and its answer, recorded; ids, addresses and our own names are placeholders. */
export interface Recording {
  name: string;
  caller: 'alice' | 'admin' | 'none' | 'bad';
  method: string;
  path: string;
  accept?: string;
  requestBody?: unknown;
  /** `shape`: kinds of values count, not the values (versions differ); `unordered`: the order of lists doesn't count. */
  compare?: 'shape' | 'unordered';
  response: { status: number; contentType: string; body: unknown };
}

export async function readRecordings(): Promise<Recording[]> {
  const dir = join(import.meta.dirname, 'testdata');
  const files = (await readdir(dir)).filter((file) => file.endsWith('.json')).sort();
  return Promise.all(
    files.map(async (file) => {
      const recording = JSON.parse(await readFile(join(dir, file), 'utf8')) as Omit<Recording, 'name'>;
      return { ...recording, name: file.replace(/\.json$/, '') };
    }),
  );
}

/** Fields that no client may rely on, or that this stand-in leaves to whoever needs them. */
const ignored = new Set([
  'serverAddressByClientCIDRs',
  'managedFields',
  'kubectl.kubernetes.io/last-applied-configuration',
  'internal.apis.kcp.io/resource-bindings',
  // Only users known by a token file have one.
  'createdBy.uid',
]);
const volatile = new Set([
  'uid',
  'resourceVersion',
  'creationTimestamp',
  'deletionTimestamp',
  'lastTransitionTime',
  'time',
]);

/** A condition that kcp adds some minutes after a workspace is Ready, and one that a real kcp leaves out where that takes no time. */
const unsteady = new Set<unknown>(['APIBindingsReconciled', ...(isRealKcpGiven() ? ['WorkspaceInitialized'] : [])]);

function isUnsteady(item: unknown): boolean {
  return unsteady.has((item as { type?: unknown } | null)?.type);
}

/** Puts placeholders for everything that differs from one kcp to the next. */
function normalise(body: unknown, kcp: Pick<KcpHandle, 'url' | 'workspaces'>): unknown {
  const address = new URL(kcp.url).host;
  const clusters = Object.values(kcp.workspaces).filter(({ path }) => path !== 'root');
  const text = (value: string): string => {
    let known = value.replaceAll(kcp.url, '<kcp>').replaceAll(address, '<address>');
    for (const { cluster, path } of clusters) known = known.replaceAll(cluster, `<${path}>`);
    return /^(\d+[smhd])+$/.test(known) ? '<age>' : known;
  };
  const walk = (value: unknown, key: string, parent: string): unknown => {
    if (typeof value === 'string') {
      if (volatile.has(key)) return `<${key}>`;
      if (key === 'continue') return value === '' ? '' : '<continue>';
      if (key === 'experimental.tenancy.kcp.io/owner') return (JSON.parse(value) as { username: string }).username;
      return text(value);
    }
    if (Array.isArray(value)) return value.filter((item) => !isUnsteady(item)).map((item) => walk(item, '', key));
    if (typeof value !== 'object' || value === null) return value;
    const entries = Object.entries(value).filter(([name]) => !ignored.has(name) && !ignored.has(`${key}.${name}`));
    return Object.fromEntries(entries.map(([name, item]) => [name, walk(item, name, parent)]));
  };
  return walk(body, '', '');
}

/** The kinds of values of a JSON document; of a list those of its first item. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.slice(0, 1).map(shapeOf);
  if (typeof value !== 'object' || value === null) return typeof value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, shapeOf(item)]));
}

/** The document with every list sorted. */
function unordered(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(unordered).sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  }
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, unordered(item)]));
}

/** A body as far as the recording compares it. */
export function comparable(recording: Recording, body: unknown, kcp: Pick<KcpHandle, 'url' | 'workspaces'>): unknown {
  const known = normalise(body, kcp);
  if (recording.compare === 'shape') return shapeOf(known);
  return recording.compare === 'unordered' ? unordered(known) : known;
}
