import { KcpStatusError } from './errors.ts';
import { arrayAt, at, isObject, stringAt } from './json.ts';
import { limiter } from './limiter.ts';
import { groupVersionPath } from './paths.ts';
import type { GroupVersion } from './paths.ts';

/** A resource as `kubectl api-resources` shows it. */
export interface ApiResource extends GroupVersion {
  /** Plural, as in URLs. */
  readonly resource: string;
  readonly singular: string | undefined;
  readonly shortNames: readonly string[];
  readonly kind: string;
  readonly namespaced: boolean;
  readonly verbs: readonly string[];
}

/** All that there is, and the group versions whose resources couldn't be found out. */
export interface ApiResources {
  readonly resources: readonly ApiResource[];
  /** With the reason. */
  readonly failed: readonly { readonly groupVersion: string; readonly reason: string }[];
}

/** Asks one path below a workspace. */
export type Ask = (path: string, accept?: string) => Promise<unknown>;

const AGGREGATED = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json';
const CONCURRENCY = 8;

/**
 * All resources in the preferred version of their group, core first, then by group and name.
 *
 * Aggregated discovery (KEP-3352) is asked for, and brings all groups at once where it is served; kcp serves it for the core group
 * only, the others are asked one by one.
 *
 * @throws {KcpError} when the list of groups itself can't be had.
 */
export async function listApiResources(ask: Ask): Promise<ApiResources> {
  const [core, groups] = await Promise.all([ask('/api', AGGREGATED), ask('/apis', AGGREGATED)]);
  const resources: ApiResource[] = [];
  const open: GroupVersion[] = [];
  for (const answer of [core, groups]) {
    if (stringAt(answer, 'kind') === 'APIGroupDiscoveryList') resources.push(...fromAggregated(answer));
    else open.push(...preferredVersions(answer));
  }
  const failed: { groupVersion: string; reason: string }[] = [];
  const limit = limiter(CONCURRENCY);
  await Promise.all(
    open.map(async (groupVersion) => {
      try {
        resources.push(...fromList(await limit(() => ask(groupVersionPath(groupVersion))), groupVersion));
      } catch (error) {
        if (!(error instanceof KcpStatusError)) throw error;
        const { group, version } = groupVersion;
        failed.push({ groupVersion: `${group}/${version}`, reason: `${error.status}: ${error.message}` });
      }
    }),
  );
  return { resources: resources.sort(byGroupAndName), failed };
}

/** `/api` answers `APIVersions`, `/apis` an `APIGroupList`. */
function preferredVersions(answer: unknown): GroupVersion[] {
  const core = arrayAt(answer, 'versions').filter((version) => typeof version === 'string');
  const groups = arrayAt(answer, 'groups').flatMap((entry) => {
    const group = stringAt(entry, 'name');
    const version =
      stringAt(entry, 'preferredVersion', 'version') ?? stringAt(arrayAt(entry, 'versions')[0], 'version');
    return group === undefined || version === undefined ? [] : [{ group, version }];
  });
  return [...core.slice(0, 1).map((version) => ({ group: '', version })), ...groups];
}

/** The first version of a group is the preferred one. */
function fromAggregated(answer: unknown): ApiResource[] {
  return arrayAt(answer, 'items').flatMap((item) => {
    const group = stringAt(item, 'metadata', 'name') ?? '';
    const [preferred] = arrayAt(item, 'versions');
    const version = stringAt(preferred, 'version');
    if (version === undefined) return [];
    return arrayAt(preferred, 'resources').flatMap((entry) =>
      resourceOf({
        groupVersion: { group, version },
        resource: stringAt(entry, 'resource'),
        singular: stringAt(entry, 'singularResource'),
        kind: stringAt(entry, 'responseKind', 'kind'),
        namespaced: stringAt(entry, 'scope') === 'Namespaced',
        entry,
      }),
    );
  });
}

function fromList(answer: unknown, groupVersion: GroupVersion): ApiResource[] {
  return arrayAt(answer, 'resources').flatMap((entry) =>
    resourceOf({
      groupVersion,
      resource: stringAt(entry, 'name'),
      singular: stringAt(entry, 'singularName'),
      kind: stringAt(entry, 'kind'),
      namespaced: at(entry, 'namespaced') === true,
      entry,
    }),
  );
}

function resourceOf({
  groupVersion,
  resource,
  singular,
  kind,
  namespaced,
  entry,
}: {
  readonly groupVersion: GroupVersion;
  readonly resource: string | undefined;
  readonly singular: string | undefined;
  readonly kind: string | undefined;
  readonly namespaced: boolean;
  readonly entry: unknown;
}): ApiResource[] {
  // Subresources are no objects of their own.
  if (resource === undefined || kind === undefined || resource.includes('/') || !isObject(entry)) return [];
  const texts = (field: string) => arrayAt(entry, field).filter((text) => typeof text === 'string');
  return [
    { ...groupVersion, resource, singular, shortNames: texts('shortNames'), kind, namespaced, verbs: texts('verbs') },
  ];
}

function byGroupAndName(a: ApiResource, b: ApiResource): number {
  const [x, y] = [`${a.group}\0${a.resource}`, `${b.group}\0${b.resource}`];
  return x < y ? -1 : Number(x > y);
}
