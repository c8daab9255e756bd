import type { Principal } from '../auth/principal.ts';
import { capitalize, shorten } from '../output/text.ts';
import { listApiResources } from './api-resources.ts';
import type { ApiResources } from './api-resources.ts';
import type { KcpClient } from './client.ts';
import { KcpStatusError } from './errors.ts';
import { arrayAt, at, stringAt } from './json.ts';
import { near } from './near.ts';
import { formatApiVersion, groupVersionPath, placeName } from './paths.ts';
import type { GroupVersion } from './paths.ts';
import { SharedCache } from './shared-cache.ts';
import type { Cached } from './shared-cache.ts';

/** A kind that a workspace serves. */
export interface ResourceType extends GroupVersion {
  readonly kind: string;
  /** Plural, as in URLs. */
  readonly resource: string;
  readonly namespaced: boolean;
  readonly verbs: readonly string[];
  /** What there is below an object: `status`, `scale`. */
  readonly subresources: readonly string[];
}

interface NamedType extends ResourceType {
  /** Lower-case names that people use for it: plural, singular, short. */
  readonly aliases: readonly string[];
}

/** The workspace doesn't serve the kind. The message names what comes near. */
export class UnknownKindError extends Error {
  override readonly name = 'UnknownKindError';
}

export interface KindQuery {
  readonly workspace: string | undefined;
  readonly groupVersion: GroupVersion;
  /** Kind; its plural, singular and short names are understood, too. */
  readonly kind: string;
  readonly principal: Principal;
  readonly signal?: AbortSignal | undefined;
}

export interface Discovery {
  /**
   * Resolves apiVersion and kind to the resource of the API.
   * @throws {UnknownKindError} when the workspace doesn't serve it.
   * @throws {KcpError} when kcp doesn't say.
   */
  resolve(query: KindQuery): Promise<ResourceType>;
  /**
   * All that a workspace serves.
   * @throws {KcpError} when kcp doesn't say.
   */
  all(query: Pick<KindQuery, 'workspace' | 'principal' | 'signal'>): Promise<ApiResources>;
  /** Forgets what is known of a group and version: kcp answered as if it weren't served any more, or with 403. */
  forget(query: Pick<KindQuery, 'workspace' | 'groupVersion' | 'principal'>): void;
}

const MAX_AGE_MS = 30_000;
const MAX_ENTRIES = 256;
/** Kinds over all entries: about 400 bytes each, and anybody's workspace may have thousands. */
const MAX_KINDS_KEPT = 20_000;
/** An unknown kind is looked up again at once, unless that was just done. */
const COOL_DOWN_MS = 5_000;
const SHOWN = 12;

/**
 * Discovery, cached for each caller: of one group and version at a time, the only part needed to resolve a kind, and of everything.
 *
 * @param clock milliseconds since the epoch.
 * @see https://kubernetes.io/docs/reference/using-api/api-concepts/#discovery
 */
export function createDiscovery(kcp: KcpClient, clock: () => number): Discovery {
  const cache = new SharedCache<readonly NamedType[]>({
    maxAgeMs: MAX_AGE_MS,
    maxEntries: MAX_ENTRIES,
    maxWeight: MAX_KINDS_KEPT,
    weigh: (types) => 1 + types.length,
    clock,
  });

  const everything = new SharedCache<ApiResources>({
    maxAgeMs: MAX_AGE_MS,
    maxEntries: MAX_ENTRIES,
    maxWeight: MAX_KINDS_KEPT,
    weigh: ({ resources }) => 1 + resources.length,
    // What couldn't be had is asked for again.
    keepMs: ({ failed }) => (failed.length === 0 ? MAX_AGE_MS : 0),
    clock,
  });

  function load(query: KindQuery): Promise<Cached<readonly NamedType[]>> {
    const { workspace, groupVersion, principal, signal } = query;
    return cache.get(
      keyOf(query),
      async (shared) => {
        const path = groupVersionPath(groupVersion);
        const list = await kcp.request({ workspace, path, token: principal.token, signal: shared });
        return parse(list, groupVersion);
      },
      signal,
    );
  }

  async function types(query: KindQuery): Promise<Cached<readonly NamedType[]>> {
    try {
      return await load(query);
    } catch (error) {
      if (!isUnserved(error)) throw error;
      throw new UnknownKindError(await unknownGroupVersion(kcp, query));
    }
  }

  return {
    async resolve(query) {
      let known = await types(query);
      let found = find(known.value, query.kind);
      if (found === undefined && clock() - known.asOf >= COOL_DOWN_MS) {
        cache.delete(keyOf(query));
        known = await types(query);
        found = find(known.value, query.kind);
      }
      if (found === undefined) throw new UnknownKindError(unknownKind(query, known.value));
      return found;
    },
    async all({ workspace, principal, signal }) {
      const load = (shared: AbortSignal) =>
        listApiResources((path, accept) => {
          const headers = accept === undefined ? {} : { headers: { accept } };
          return kcp.request({ workspace, path, ...headers, token: principal.token, signal: shared });
        });
      return (await everything.get(workspaceKey({ workspace, principal }), load, signal)).value;
    },
    forget(query) {
      cache.delete(keyOf(query));
      everything.delete(workspaceKey(query));
    },
  };
}

function keyOf({ workspace, groupVersion, principal }: Pick<KindQuery, 'workspace' | 'groupVersion' | 'principal'>) {
  return `${workspaceKey({ workspace, principal })} ${formatApiVersion(groupVersion)}`;
}

function workspaceKey({ workspace, principal }: Pick<KindQuery, 'workspace' | 'principal'>): string {
  return `${principal.claimsHash} ${workspace ?? ''}`;
}

/** A 404 for a group and version, not for the workspace: kcp says the latter with a Status naming it. */
function isUnserved(error: unknown): boolean {
  return (
    error instanceof KcpStatusError && error.status === 404 && stringAt(error.body, 'details', 'name') === undefined
  );
}

function parse(list: unknown, groupVersion: GroupVersion): NamedType[] {
  const entries = arrayAt(list, 'resources');
  const subresources = new Map<string, string[]>();
  for (const entry of entries) {
    const [resource = '', subresource] = (stringAt(entry, 'name') ?? '').split('/');
    if (subresource === undefined) continue;
    subresources.set(resource, [...(subresources.get(resource) ?? []), subresource]);
  }
  const types: NamedType[] = [];
  for (const entry of entries) {
    const resource = stringAt(entry, 'name');
    const kind = stringAt(entry, 'kind');
    // Subresources ("pods/log") have kinds of their own that aren't objects to get or list.
    if (resource === undefined || kind === undefined || resource.includes('/')) continue;
    const names = [resource, stringAt(entry, 'singularName'), ...arrayAt(entry, 'shortNames')];
    types.push({
      ...groupVersion,
      kind,
      resource,
      namespaced: at(entry, 'namespaced') === true,
      verbs: arrayAt(entry, 'verbs').filter((verb) => typeof verb === 'string'),
      subresources: subresources.get(resource) ?? [],
      aliases: names.filter((name) => typeof name === 'string').map((name) => name.toLowerCase()),
    });
  }
  return types;
}

function find(types: readonly NamedType[], kind: string): NamedType | undefined {
  const lower = kind.toLowerCase();
  return (
    types.find((type) => type.kind === kind) ??
    types.find((type) => type.kind.toLowerCase() === lower) ??
    types.find((type) => type.aliases.includes(lower))
  );
}

function unknownKind({ workspace, groupVersion, kind }: KindQuery, types: readonly NamedType[]): string {
  const kinds = [...new Set(types.map((type) => type.kind))].sort();
  return (
    `${capitalize(placeName(workspace))} serves ${formatApiVersion(groupVersion)}, but no kind ${JSON.stringify(kind)} in it. ` +
    suggest(kind, kinds, 'Kinds served there')
  );
}

async function unknownGroupVersion(kcp: KcpClient, query: KindQuery): Promise<string> {
  const { workspace, principal, signal } = query;
  const wanted = formatApiVersion(query.groupVersion);
  const groups = await kcp.request({ workspace, path: '/apis', token: principal.token, signal });
  const served = arrayAt(groups, 'groups').flatMap((group) =>
    arrayAt(group, 'versions').map((version) => stringAt(version, 'groupVersion')),
  );
  const names = ['v1', ...served.filter((name) => name !== undefined)].sort();
  if (names.includes(wanted))
    return `${capitalize(placeName(workspace))} lists apiVersion ${wanted}, but answers 404 for it; try again in a moment.`;
  return (
    `${capitalize(placeName(workspace))} doesn't serve apiVersion ${JSON.stringify(wanted)} (needed for kind ${JSON.stringify(query.kind)}). ` +
    `${suggest(wanted, names, 'Served there')} APIs come to a workspace with an APIBinding or a CustomResourceDefinition.`
  );
}

function suggest(wanted: string, names: readonly string[], title: string): string {
  const close = near(wanted, names, 3);
  const guess = close.length === 0 ? '' : `Did you mean ${shown(close)}? `;
  const more = names.length > SHOWN ? ` and ${names.length - SHOWN} more` : '';
  return `${guess}${title}: ${shown(names.slice(0, SHOWN))}${more}.`;
}

/** Whoever serves an API names its kinds. */
function shown(names: readonly string[]): string {
  return names.map((name) => shorten(name, 100)).join(', ');
}
