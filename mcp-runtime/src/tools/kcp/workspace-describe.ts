import * as z from 'zod';
import { UnknownKindError } from '../../kcp/discovery.ts';
import { KcpStatusError } from '../../kcp/errors.ts';
import type { Target } from '../../kcp/errors.ts';
import { arrayAt, at, stringAt } from '../../kcp/json.ts';
import { resourcePath } from '../../kcp/paths.ts';
import { restOf } from '../../output/paginate.ts';
import { oneLine, shorten, toolResult } from '../../output/text.ts';
import { toYaml } from '../../output/yaml.ts';
import { workspaceOf } from '../arguments.ts';
import { ToolError, defineTool } from '../tool.ts';
import type { Call } from '../tool.ts';
import { exportOf } from './apibindings-list.ts';
import { API_BINDING, LOGICAL_CLUSTER, LOGICAL_CLUSTER_NAME, WORKSPACE, resolveApiKind } from './kinds.ts';
import { placeOf } from './place.ts';
import type { Place } from './place.ts';
import { rightsIn } from './rights.ts';
import type { Rights } from './rights.ts';

/** What one of several questions brought: an answer, or why there is none: kcp's refusal, or one of this server's configuration. */
type Part<T> = { readonly value?: T; readonly refusal?: KcpStatusError; readonly denied?: string };

export const workspaceDescribe = defineTool({
  name: 'kcp_workspace_describe',
  toolset: 'kcp',
  title: 'kcp: Workspace Describe',
  description:
    'Describe one kcp workspace: type, phase, conditions, URL, owner, number of child workspaces, the APIs bound in it, whether the caller ' +
    'can enter it and what the caller may do there. Shows the parts that the caller may read and names the others.',
  annotations: { readOnlyHint: true, destructiveHint: false, openWorldHint: true },
  input: z.strictObject({
    workspace: z
      .string()
      .describe('Path such as root:acme:team-a, or logical-cluster id, of the workspace to describe'),
  }),
  touches: [WORKSPACE, LOGICAL_CLUSTER],
  kcpOnly: true,
  async handle(args, call) {
    const workspace = workspaceOf(args.workspace, call);
    const [cluster, children, enterable, apis, rights] = await Promise.all([
      part(read({ verb: 'get', ...LOGICAL_CLUSTER, name: LOGICAL_CLUSTER_NAME }, workspace, call)),
      part(countChildren(workspace, call)),
      part(call.api.mayEnter(workspace)),
      part(boundApis(workspace, call)),
      part(rightsIn(workspace, call)),
    ]);
    const place = await placeOf(workspace, valueOf(cluster), call);
    const own = place === undefined ? undefined : await part(readFromParent(place, call));

    // Nothing to tell: whichever of the refusals says most about the workspace itself.
    const inside = valueOf(enterable) === true;
    const refusal = refusalOf(enterable) ?? refusalOf(cluster) ?? refusalOf(own);
    if (valueOf(own) === undefined && !inside && refusal !== undefined) throw refusal;
    const path = stringAt(valueOf(cluster), 'metadata', 'annotations', 'kcp.io/path') ?? place?.path ?? workspace;
    const user = oneLine(call.principal.username ?? call.principal.subject);
    const description = {
      workspace: path,
      ...describeObjects(valueOf(own), valueOf(cluster)),
      children: valueOf(children),
      apis: valueOf(apis),
      enterable: inside ? `yes, by ${user}` : `no, not by ${user}`,
      may: valueOf(rights)?.rules,
      mayMore: moreRights(valueOf(rights)),
      notReadable: {
        [`Workspace object in ${place?.parent ?? 'its parent'}`]: reason(own),
        'LogicalCluster object inside': reason(cluster),
        children: reason(children),
        APIBindings: reason(apis),
        rights: reason(rights),
      },
    };
    return toolResult(toYaml(withoutUndefined(description)));
  },
});

function readFromParent({ parent, name }: Place, call: Call): Promise<unknown> {
  return read({ verb: 'get', ...WORKSPACE, name }, parent, call);
}

const MAX_APIS = 50;

/** The bound APIs: `root/tenancy.kcp.io`: `Bound`. */
async function boundApis(workspace: string, call: Call): Promise<Record<string, string> | undefined> {
  const type = await resolveApiKind(API_BINDING.kind, workspace, call);
  const page = await read({ verb: 'list', ...type }, workspace, call, { limit: MAX_APIS }, 'application/json');
  const apis = arrayAt(page, 'items').map((binding) => [
    shorten(exportOf(binding) ?? '-', 300),
    shorten(stringAt(binding, 'status', 'phase') ?? '-', 100),
  ]);
  const { next, remaining } = restOf(page);
  if (next !== undefined) apis.push(['and more', remaining === undefined ? 'kcp_apibindings_list' : String(remaining)]);
  return apis.length === 0 ? undefined : (Object.fromEntries(apis) as Record<string, string>);
}

function moreRights(rights: Rights | undefined): string | undefined {
  if (rights === undefined) return undefined;
  if (rights.omitted > 0) return `and ${rights.omitted} more rules`;
  return rights.incomplete ? 'kcp may allow more than it tells; kcp_access_check asks about one thing' : undefined;
}

async function countChildren(workspace: string, call: Call): Promise<number | string> {
  const page = await read({ verb: 'list', ...WORKSPACE }, workspace, call, { limit: 500, includeObject: 'None' });
  const shown = arrayAt(page, 'rows').length || arrayAt(page, 'items').length;
  const { next, remaining } = restOf(page);
  if (next === undefined) return shown;
  return remaining === undefined ? `more than ${shown}` : shown + remaining;
}

function read(
  target: Target,
  workspace: string,
  call: Call,
  query?: Record<string, string | number>,
  accept = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json',
): Promise<unknown> {
  return call.api.request({
    workspace,
    path: resourcePath(target),
    ...(query !== undefined && {
      query,
      headers: { accept },
    }),
    target,
  });
}

/** What kcp refuses (403) or doesn't have (404), or is denied here, leaves the other parts; anything else fails the whole. */
async function part<T>(question: Promise<T>): Promise<Part<T>> {
  try {
    return { value: await question };
  } catch (error) {
    // A workspace without kcp's API kinds: a mounted cluster.
    if (error instanceof UnknownKindError) return {};
    if (error instanceof ToolError && error.result === 'denied') return { denied: error.message };
    if (error instanceof KcpStatusError && (error.status === 403 || error.status === 404)) return { refusal: error };
    throw error;
  }
}

function valueOf<T>(answer: Part<T> | undefined): T | undefined {
  return answer?.value;
}

function refusalOf(answer: Part<unknown> | undefined): KcpStatusError | undefined {
  return answer?.refusal;
}

function reason(answer: Part<unknown> | undefined): string | undefined {
  const refusal = refusalOf(answer);
  return refusal === undefined ? answer?.denied : `${refusal.status}: ${shorten(refusal.message, 300)}`;
}

function describeObjects(own: unknown, cluster: unknown) {
  const typeName = stringAt(own, 'spec', 'type', 'name');
  const typePath = stringAt(own, 'spec', 'type', 'path');
  const conditions = new Map<string, unknown>();
  for (const condition of [...arrayAt(cluster, 'status', 'conditions'), ...arrayAt(own, 'status', 'conditions')]) {
    conditions.set(stringAt(condition, 'type') ?? '', condition);
  }
  return {
    cluster: stringAt(own, 'spec', 'cluster') ?? stringAt(cluster, 'metadata', 'annotations', 'kcp.io/cluster'),
    type:
      typeName === undefined
        ? stringAt(cluster, 'metadata', 'annotations', 'internal.tenancy.kcp.io/type')
        : [typePath, typeName].filter((text) => text !== undefined).join(':'),
    phase: stringAt(own, 'status', 'phase') ?? stringAt(cluster, 'status', 'phase'),
    url: stringAt(own, 'spec', 'URL') ?? stringAt(cluster, 'status', 'URL'),
    mount: at(own, 'spec', 'mount'),
    owner: ownerOf(own) ?? ownerOf(cluster) ?? stringAt(cluster, 'spec', 'createdBy', 'username'),
    createdAt: stringAt(own, 'metadata', 'creationTimestamp') ?? stringAt(cluster, 'metadata', 'creationTimestamp'),
    deletedAt: stringAt(own, 'metadata', 'deletionTimestamp'),
    conditions: conditions.size === 0 ? undefined : [...conditions.values()],
  };
}

/** The user in kcp's owner annotation; the groups and extra fields in it are nobody's business here. */
function ownerOf(object: unknown): string | undefined {
  const owner = stringAt(object, 'metadata', 'annotations', 'experimental.tenancy.kcp.io/owner');
  try {
    return owner === undefined ? undefined : stringAt(JSON.parse(owner), 'username');
  } catch {
    return undefined;
  }
}

/** Without undefined fields, and without objects that have no others. */
function withoutUndefined(object: Record<string, unknown>): Record<string, unknown> {
  const entries = Object.entries(object).map(([key, value]) => {
    const nested = typeof value === 'object' && value !== null && !Array.isArray(value);
    const cleaned = nested ? withoutUndefined(value as Record<string, unknown>) : value;
    return [key, nested && Object.keys(cleaned as object).length === 0 ? undefined : cleaned] as const;
  });
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
}
