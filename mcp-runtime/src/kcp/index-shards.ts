import type { Collection } from './index-http.ts';
import { arrayAt, stringAt } from './json.ts';

/** Where kcp says which shards there are, and how to read all Workspaces of each: an object in the workspace root. */
export const SLICE = {
  path: '/clusters/root/apis/apis.kcp.io/v1alpha1/apiexportendpointslices',
  name: 'tenancy.kcp.io',
} as const;

const WILDCARD = '/clusters/*/apis/tenancy.kcp.io/v1alpha1/workspaces';
/** `…/services/apiexport/<cluster of the export>/tenancy.kcp.io`, whatever a proxy in front puts before it. */
const VIRTUAL_WORKSPACE = /^(\/[\w.~-]+)*\/services\/apiexport\/[a-z0-9:-]+\/tenancy\.kcp\.io$/;
/** Shards that are indexed. */
export const MAX_SHARDS = 64;

/** What an APIExportEndpointSlice says. */
export interface Shards {
  /** The collection of all Workspaces of each shard, by the URL of its virtual workspace. */
  readonly collections: ReadonlyMap<string, Collection>;
  /** URLs that the index identity is not sent to: no https, another path than that of the virtual workspace, too many. */
  readonly refused: readonly string[];
}

/**
 * Reads the endpoints of the APIExportEndpointSlice `tenancy.kcp.io`: one virtual workspace for each shard.
 *
 * @see https://docs.kcp.io/kcp/latest/concepts/apis/exporting-apis/#build-your-controller
 */
export function shardsOf(slice: unknown): Shards {
  const collections = new Map<string, Collection>();
  const refused: string[] = [];
  for (const endpoint of arrayAt(slice, 'status', 'endpoints')) {
    const text = stringAt(endpoint, 'url') ?? '';
    const collection = collections.size < MAX_SHARDS ? collectionAt(text) : undefined;
    if (collection === undefined) refused.push(text);
    else collections.set(text, collection);
  }
  return { collections, refused };
}

function collectionAt(text: string): Collection | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'https:' || url.username !== '' || url.password !== '') return undefined;
  const path = url.pathname.replace(/\/$/, '');
  if (url.search !== '' || url.hash !== '' || !VIRTUAL_WORKSPACE.test(path)) return undefined;
  return { origin: url.origin, path: path + WILDCARD };
}
