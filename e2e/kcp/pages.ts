import { parentClusterOf } from './workspace.ts';
import type { Workspace } from './workspace.ts';

export interface Page {
  items: Workspace[];
  metadata: { continue: string; remainingItemCount?: number; resourceVersion: string };
}

interface ContinueKey {
  v: 'meta.k8s.io/v1';
  rv: number;
  /** Key of the last object sent. */
  start: string;
}

/** One page of a list (`limit`, `continue`), as the API server would cut it; undefined for a bad continue token. */
export function pageOf(items: readonly Workspace[], query: URLSearchParams, version: number): Page | undefined {
  const token = query.get('continue');
  const after = token ? decodeKey(token) : { v: 'meta.k8s.io/v1', rv: version, start: '' };
  if (!after) return undefined;
  const rest = items.filter((item) => keyOf(item) > after.start);
  const limit = Number(query.get('limit') ?? '0');
  const page = limit > 0 ? rest.slice(0, limit) : rest;
  const left = rest.length - page.length;
  const last = page.at(-1);
  return {
    items: page,
    metadata: {
      continue: left > 0 && last ? encodeKey({ v: 'meta.k8s.io/v1', rv: after.rv, start: keyOf(last) }) : '',
      ...(left > 0 ? { remainingItemCount: left } : {}),
      resourceVersion: String(after.rv),
    },
  };
}

function keyOf(item: Workspace): string {
  return `${parentClusterOf(item)}/${item.metadata.name}`;
}

function encodeKey(key: ContinueKey): string {
  return Buffer.from(JSON.stringify(key)).toString('base64url');
}

function decodeKey(token: string): ContinueKey | undefined {
  try {
    return JSON.parse(Buffer.from(token, 'base64url').toString('utf8')) as ContinueKey;
  } catch {
    return undefined;
  }
}
