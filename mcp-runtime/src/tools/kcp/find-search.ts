import { UnknownKindError } from '../../kcp/discovery.ts';
import type { ResourceType } from '../../kcp/discovery.ts';
import { CancelledError, KcpError, KcpStatusError } from '../../kcp/errors.ts';
import { isMissingWorkspace } from '../../kcp/explain.ts';
import { arrayAt, stringAt } from '../../kcp/json.ts';
import { limiter } from '../../kcp/limiter.ts';
import { resourcePath } from '../../kcp/paths.ts';
import { fieldEquals } from '../../kcp/selectors.ts';
import type { GroupVersion } from '../../kcp/paths.ts';
import { restOf } from '../../output/paginate.ts';
import { count, shorten } from '../../output/text.ts';
import { ToolError } from '../tool.ts';
import type { Call } from '../tool.ts';

// The search of kcp_find: one kind in many workspaces, each asked with the caller's token.

/** Requests at a time. */
const CONCURRENCY = 16;
/** Objects of one workspace; who wants more of it lists it. */
const MAX_EACH = 100;
const PROGRESS_EVERY = 50;
/** How much of the call's time the search may take: the rest is for telling what was found. */
const SHARE = 0.75;

/** An object that was found. */
export interface Found {
  readonly namespace: string | undefined;
  readonly name: string;
  readonly created: string | undefined;
}

/** What one workspace said. */
export interface Answer {
  readonly workspace: string;
  readonly objects: readonly Found[];
  readonly served: boolean;
  /** Where the kind isn't served: what comes near to it. */
  readonly hint?: string;
  /** Why it said nothing, or not all. */
  readonly gap?: string;
}

/** What is looked for. */
export interface Query {
  readonly kind: string;
  readonly groupVersion: GroupVersion;
  readonly name?: string | undefined;
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  readonly limit: number;
}

/**
 * Asks the workspaces in their order, several at a time, until there is enough or the time is up. Those whose answer is
 * returned are a beginning of the list: what there is beyond them is for the next page.
 */
export async function search(query: Query, workspaces: readonly string[], call: Call): Promise<Answer[]> {
  const time = new AbortController();
  const timer = setTimeout(() => {
    time.abort();
  }, call.config.toolset_configs.kcp.request_timeout * SHARE);
  const signal = AbortSignal.any([call.signal, time.signal]);
  try {
    const known = await resolveSomewhere(query, workspaces, { ...call, signal });
    if ('answers' in known) return known.answers;
    const lists = workspaces.map((workspace) => ({ workspace, target: listing(query, known.type) }));
    await call.api.clear([], lists);
    return await askAll(query, known.type, workspaces, { call, signal });
  } finally {
    clearTimeout(timer);
  }
}

/**
 * The kind as the first workspace knows it that serves it: the same group, version and kind is the same resource everywhere, so that
 * not every workspace has to be asked twice. Where none serves it, what each said.
 */
async function resolveSomewhere(
  { kind, groupVersion }: Query,
  workspaces: readonly string[],
  call: Pick<Call, 'principal' | 'signal' | 'discovery' | 'policy'>,
): Promise<{ readonly type: ResourceType } | { readonly answers: Answer[] }> {
  const { principal, signal, discovery, policy } = call;
  const answers: Answer[] = [];
  for (let start = 0; start < workspaces.length; start += CONCURRENCY) {
    const some = workspaces.slice(start, start + CONCURRENCY);
    const known = await Promise.allSettled(
      some.map((workspace) => discovery.resolve({ workspace, groupVersion, kind, principal, signal })),
    );
    const type = known.find((each) => each.status === 'fulfilled')?.value;
    if (type !== undefined) {
      const refusal = policy.refuseKind(type);
      if (refusal !== undefined) throw new ToolError(refusal, 'denied');
      if (!type.verbs.includes('list')) throw new ToolError(`Objects of kind ${type.kind} can't be listed.`, 'invalid');
      return { type };
    }
    for (const [index, each] of known.entries()) {
      if (each.status === 'rejected') answers.push(withoutAnswer(some[index] ?? '', each.reason, signal));
    }
  }
  return { answers };
}

/**
 * What is said of a workspace that gave no objects.
 * @throws what would be the same with every workspace.
 */
function withoutAnswer(workspace: string, error: unknown, ended: AbortSignal): Answer {
  const nothing = { workspace, objects: [], served: true };
  if (error instanceof UnknownKindError) return { ...nothing, served: false, hint: error.message };
  if (error instanceof CancelledError || ended.aborted) return { ...nothing, gap: 'did not answer in time' };
  if (error instanceof ToolError && error.result === 'denied') return { ...nothing, gap: error.message };
  if (!(error instanceof KcpError)) throw error;
  if (!(error instanceof KcpStatusError)) return { ...nothing, gap: shorten(error.message, 300) };
  // A wrong selector, or a token that kcp doesn't take.
  if (error.status === 400 || error.status === 401) throw error;
  if (error.status === 404 && !isMissingWorkspace(error)) return { ...nothing, served: false };
  return { ...nothing, gap: `${error.status}: ${shorten(error.message, 300)}` };
}

async function askAll(
  query: Query,
  type: ResourceType,
  workspaces: readonly string[],
  { call, signal }: { readonly call: Call; readonly signal: AbortSignal },
): Promise<Answer[]> {
  const limit = limiter(CONCURRENCY);
  const answers: Answer[] = [];
  let objects = 0;
  let answered = 0;
  await Promise.all(
    workspaces.map((workspace, index) =>
      limit(async () => {
        if (objects >= query.limit || signal.aborted) return;
        answers[index] = await ask(query, type, workspace, { call, signal });
        objects += answers[index].objects.length;
        answered += 1;
        if (answered % PROGRESS_EVERY !== 0 && answered !== workspaces.length) return;
        const message = `asked ${answered} of ${count(workspaces.length, 'workspace')}`;
        call.progress({ done: answered, total: workspaces.length, message });
      }),
    ),
  );
  const end = workspaces.findIndex((_, index) => answers[index] === undefined);
  return end === -1 ? answers : answers.slice(0, end);
}

/** Where kinds are denied each workspace has to say itself what the plural stands for: anybody can give a kind that of another. */
async function typeIn(
  workspace: string,
  { kind, groupVersion }: Query,
  known: ResourceType,
  { call, signal }: { readonly call: Call; readonly signal: AbortSignal },
): Promise<ResourceType> {
  const { config, discovery, principal } = call;
  if (config.denied_resources.length === 0) return known;
  return discovery.resolve({ workspace, groupVersion, kind, principal, signal });
}

/** Trouble with one workspace doesn't end the search, unless it would be the same with all. */
async function ask(
  query: Query,
  type: ResourceType,
  workspace: string,
  { call, signal }: { readonly call: Call; readonly signal: AbortSignal },
): Promise<Answer> {
  try {
    return await list(query, await typeIn(workspace, query, type, { call, signal }), workspace, { call, signal });
  } catch (error) {
    if (call.signal.aborted) throw error;
    return withoutAnswer(workspace, error, signal);
  }
}

function listing({ namespace }: Query, type: ResourceType) {
  return { verb: 'list', ...type, namespace: type.namespaced ? namespace : undefined };
}

async function list(
  query: Query,
  type: ResourceType,
  workspace: string,
  { call, signal }: { readonly call: Call; readonly signal: AbortSignal },
): Promise<Answer> {
  const byName = query.name === undefined ? [] : [fieldEquals('metadata.name', query.name)];
  const fields = [...byName, ...(query.fieldSelector === undefined ? [] : [query.fieldSelector])];
  const target = listing(query, type);
  const page = await call.api.request({
    workspace,
    path: resourcePath(target),
    query: {
      limit: MAX_EACH,
      labelSelector: query.labelSelector,
      fieldSelector: fields.length === 0 ? undefined : fields.join(','),
    },
    headers: { accept: 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io,application/json' },
    target,
    signal,
  });
  const objects = arrayAt(page, 'items').flatMap((item) => {
    const name = stringAt(item, 'metadata', 'name');
    if (name === undefined) return [];
    const created = stringAt(item, 'metadata', 'creationTimestamp');
    return [{ name, namespace: stringAt(item, 'metadata', 'namespace'), created }];
  });
  const { next } = restOf(page);
  const gap = next === undefined ? {} : { gap: `has more than the ${MAX_EACH} that are shown; list them there` };
  return { workspace, objects, served: true, ...gap };
}
