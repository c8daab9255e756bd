import type { Principal } from '../auth/principal.ts';
import { redactTokens } from '../output/redact.ts';
import { capitalize, count, oneLine, shorten } from '../output/text.ts';
import {
  CancelledError,
  KcpBusyError,
  KcpProtocolError,
  KcpStatusError,
  KcpTimeoutError,
  KcpTooLargeError,
  KcpUnreachableError,
  serverName,
} from './errors.ts';
import type { KcpError, Target } from './errors.ts';
import type { CallerWorkspaces } from './inventory.ts';
import { arrayAt, stringAt } from './json.ts';
import { near } from './near.ts';
import { placeName } from './paths.ts';

/** What an explanation may ask of kcp, with the caller's token. */
export interface Sources {
  readonly principal: Principal;
  /** The caller's workspaces; undefined where they can't be found out now. */
  workspaces(): Promise<CallerWorkspaces | undefined>;
  /** Whether the caller may enter; undefined where kcp doesn't say. */
  mayEnter(workspace: string | undefined): Promise<boolean | undefined>;
}

/** What went wrong, for the model and the person behind it, and for the audit log. */
export interface Explanation {
  readonly text: string;
  /** One word for the audit log. */
  readonly result: string;
}

const MAX_WORKSPACES = 20;

/**
 * Turns a failed request to kcp into a text that says what was tried, why it failed and what to do next.
 *
 * No token can be in it: the errors don't hold headers, and what kcp wrote is searched for tokens all the same.
 */
export async function explain(error: KcpError, sources: Sources): Promise<Explanation> {
  const { text, result } = await explainKind(error, sources);
  return { text: redactTokens(text), result };
}

const MAY_BE_DONE = 'what was asked may have been done, so look before you try again';
const BROKE = 'the connection broke';
/** Where the connection was there, and so may have been the request. */
const mayBeSent = (code: string) => reachability(code) === BROKE || code === 'ETIMEDOUT';
const READING = new Set([undefined, 'get', 'list', 'watch']);

const reads = ({ context }: KcpError) => READING.has(context.target?.verb);

async function explainKind(error: KcpError, sources: Sources): Promise<Explanation> {
  const { host } = error.context;
  if (error instanceof KcpStatusError) return explainStatus(error, sources);
  if (error instanceof KcpTimeoutError) {
    return {
      text: `${begin(error.message)}. It may be busy: ${reads(error) ? 'try again, or ask for less at a time' : MAY_BE_DONE}.`,
      result: 'timeout',
    };
  }
  if (error instanceof KcpUnreachableError) {
    const outcome = reads(error) || !mayBeSent(error.code) ? 'Nothing was changed' : capitalize(MAY_BE_DONE);
    const text = `${begin(error.message)} (${reachability(error.code)}). ${outcome}; this is for the people who run ${host} or this server.`;
    return { text, result: 'unreachable' };
  }
  if (error instanceof KcpTooLargeError) {
    const text = `${begin(error.message)}, more than is read at once. Ask for less: a smaller limit, output "table", a namespace or a selector.`;
    return { text, result: 'too_large' };
  }
  if (error instanceof KcpBusyError) return { text: `${error.message}: try again in a moment.`, result: 'busy' };
  if (error instanceof CancelledError) return { text: 'The call was cancelled.', result: 'cancelled' };
  if (error instanceof KcpProtocolError) {
    return {
      text: `${begin(error.message)}: what answers there may not be ${serverName(error.context)}.`,
      result: 'protocol',
    };
  }
  return { text: error.message, result: 'error' };
}

/** An error code of a connection in words. */
export function reachability(code: string): string {
  if (/CERT|SSL|TLS|SELF_SIGNED|ISSUER|VERIFY/.test(code)) return 'its TLS certificate is not trusted';
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'its name does not resolve';
  if (code === 'ECONNREFUSED') return 'nothing listens there';
  if (code === 'UND_ERR_CONNECT_TIMEOUT' || code === 'ETIMEDOUT') return 'no connection within the time allowed';
  return BROKE;
}

async function explainStatus(error: KcpStatusError, sources: Sources): Promise<Explanation> {
  const { status, retryAfter } = error;
  const said = shorten(error.message, 500);
  switch (status) {
    case 401:
      return { text: unauthorized(error, sources.principal), result: 'unauthorized' };
    case 403:
      return { text: await forbidden(error, sources), result: 'forbidden' };
    case 404:
      return { text: await notFound(error, sources), result: 'not_found' };
    case 409:
      return { text: conflict(error, said), result: 'conflict' };
    case 410:
      return {
        text: 'The continue token has expired: call again without continue, from the start.',
        result: 'expired',
      };
    case 429: {
      const when = retryAfter === undefined ? 'a moment' : `${retryAfter} s`;
      return {
        text: `${begin(serverName(error.context))} is limiting requests: try again in ${when}.`,
        result: 'throttled',
      };
    }
    default: {
      // An apply that doesn't fit the schema is answered with 500.
      const misfit = /^failed to create typed patch object \([^)]*\): (.*)/.exec(said)?.[1];
      if (misfit !== undefined) {
        return { text: `Could not ${action(error)}: the object does not fit its schema: ${misfit}`, result: 'invalid' };
      }
      return {
        text: `Could not ${action(error)}: ${serverName(error.context)} answered ${status}: ${said}`,
        result: `status_${status}`,
      };
    }
  }
}

/** A precondition that doesn't hold, fields that others own, or a name that is taken. */
function conflict(error: KcpStatusError, said: string): string {
  const cause = stringAt(error.body, 'reason');
  const cure =
    cause === 'AlreadyExists'
      ? 'Choose another name, or change the one that there is.'
      : arrayAt(error.body, 'details', 'causes').some((each) => stringAt(each, 'reason') === 'FieldManagerConflict')
        ? 'Leave those fields out, or take them over with force: true.'
        : 'It has changed meanwhile: get it again and decide anew.';
  return `Could not ${action(error)} (409): ${said}. ${cure}`;
}

function unauthorized({ context }: KcpStatusError, principal: Principal): string {
  const { issuer, username, subject, exchangedFor, caller } = principal;
  const server = begin(serverName(context));
  if (caller !== undefined) {
    return (
      `${server} at ${context.host} rejects ${oneLine(subject)} (401), the identity that all users of this server share. Signing in ` +
      `again will not help: those who run this server have to renew the credentials in its kubeconfig.`
    );
  }
  if (exchangedFor !== undefined) {
    return (
      `${server} at ${context.host} rejects the token that this server got for ${oneLine(username ?? subject)} in exchange (401). ` +
      `Signing in again will not help. It was asked for audience "${oneLine(exchangedFor)}" (token_exchange.audience) at the issuer ` +
      `${oneLine(issuer)}: ${serverName(context)}'s --oidc-client-id and --oidc-issuer-url must be these two. And the token must hold the claim that ` +
      `the user name is read from (--oidc-username-claim): at the issuer, a scope of the client that exchanges ` +
      `(token_exchange.client_auth.client_id) has to add it.`
    );
  }
  return (
    `${server} at ${context.host} rejects the token of ${oneLine(username ?? subject)} (401), though it is valid for this server. ` +
    `Signing in again will not help. ${server} most likely expects another audience (claim "aud") or issuer (claim "iss"; here ` +
    `${oneLine(issuer)}), or finds no user name in the claim that it reads it from: its --oidc-issuer-url, --oidc-client-id and ` +
    `--oidc-username-claim must match what this server is configured with.`
  );
}

async function forbidden(error: KcpStatusError, sources: Sources): Promise<string> {
  const { workspace } = error.context;
  const user = userOf(error, sources.principal);
  const reason = shorten(error.message, 300);
  if ((await sources.mayEnter(workspace)) === true) {
    return (
      `${user} may not ${action(error)} (403). ${workspace === undefined ? '' : `${user} may enter the workspace, but has no RBAC rule there that allows it. `}` +
      `Somebody with rights in ${workspace ?? 'the cluster'} can grant it with a Role or ClusterRole and a binding. ${begin(serverName(error.context))} says: ${reason}`
    );
  }
  return `${user} may not enter ${placeName(workspace)} (403), so could not ${attempt(error)}. ${await offer(sources, workspace)}\n${begin(serverName(error.context))} says: ${reason}`;
}

async function notFound(error: KcpStatusError, sources: Sources): Promise<string> {
  const { workspace, target } = error.context;
  if (isMissingWorkspace(error)) {
    return `There is no ${placeName(workspace)} (404). ${await offer(sources, workspace)}`;
  }
  if (target === undefined) return `Not found in ${placeName(workspace)} (404): ${shorten(error.message, 300)}`;
  const { kind, resource, namespace, name, group, version } = target;
  const api = group === '' ? version : `${group}/${version}`;
  const missing = stringAt(error.body, 'details', 'name');
  if (namespace !== undefined && missing === namespace && stringAt(error.body, 'details', 'kind') === 'namespaces') {
    return `There is no namespace ${JSON.stringify(namespace)} in ${placeName(workspace)} (404). namespaces_list shows which there are.`;
  }
  if (name !== undefined && missing === name) {
    const where = namespace === undefined ? '' : ` in namespace ${namespace}`;
    return `There is no ${kind} ${JSON.stringify(name)}${where} of ${placeName(workspace)} (404). List what there is with resources_list.`;
  }
  return (
    `${capitalize(placeName(workspace))} doesn't serve ${resource} of ${api} (404)${unserved(target, workspace)} ` +
    `${begin(serverName(error.context))} says: ${shorten(error.message, 300)}`
  );
}

/** What Kubernetes has everywhere and kcp doesn't. */
const ON_NODES = new Set(['Pod', 'Node', 'Service', 'PodMetrics', 'NodeMetrics']);

function unserved({ kind }: Target, workspace: string | undefined): string {
  if (workspace === undefined) return ', at least no longer: the API may have been removed a moment ago.';
  if (!ON_NODES.has(kind)) return ', at least no longer: the API may have been removed or unbound a moment ago.';
  return ': kcp runs nothing itself, so a workspace has no Pods, Nodes and Services unless somebody provides their API (APIBinding).';
}

/** The beginning of a sentence; kcp is always written like this. */
function begin(text: string): string {
  return text.replace(/^the /, 'The ');
}

/** kcp's front answers for an unknown workspace as if the Workspace object of that name had been asked for. */
export function isMissingWorkspace({ status, body, context }: KcpStatusError): boolean {
  return (
    status === 404 &&
    stringAt(body, 'details', 'group') === 'tenancy.kcp.io' &&
    stringAt(body, 'details', 'kind') === 'workspaces' &&
    stringAt(body, 'details', 'name') === context.workspace &&
    context.target?.name !== context.workspace
  );
}

/** Which workspaces the caller has, so that the next call can name one of them. */
async function offer(sources: Sources, wanted: string | undefined): Promise<string> {
  if (wanted === undefined) return '';
  const found = await sources.workspaces();
  if (found === undefined) return 'Which workspaces you may enter could not be found out now; try kcp_workspaces_list.';
  const paths = found.enterable.map(({ path }) => path);
  if (paths.length === 0) {
    return (
      `No workspace that you may enter was found from ${found.root} down. If you were given one further down, name it by its ` +
      `full path; otherwise ask those who run the platform for access.`
    );
  }
  const shown = [...new Set([...near(wanted, paths, 3), ...paths])].slice(0, MAX_WORKSPACES);
  const more = paths.length > shown.length ? ` and ${paths.length - shown.length} more (kcp_workspaces_list)` : '';
  const asOf = new Date(found.asOf).toISOString();
  return `You may enter ${count(paths.length, 'workspace')}, as of ${asOf}: ${shown.join(', ')}${more}.`;
}

/** Whom kcp took the caller for: its message names the user after its own claim mapping. */
function userOf(error: KcpStatusError, { username, subject }: Principal): string {
  return oneLine(/User "([^"]{1,200})"/.exec(error.message)?.[1] ?? username ?? subject);
}

/** `get secrets "db" in namespace default of workspace root:acme`. */
function action(error: KcpError): string {
  const { workspace, target } = error.context;
  return `${attempt(error)} ${target?.namespace === undefined ? 'in' : 'of'} ${placeName(workspace)}`;
}

/** `get secrets "db" in namespace default`. */
function attempt({ context: { target, path } }: KcpError): string {
  return target === undefined ? `read ${path}` : describeTarget(target);
}

/** An action in words: `get secrets "db" in namespace default`. */
export function describeTarget({ verb, resource, subresource, group, namespace, name }: Target): string {
  const what = [group === '' ? resource : `${resource}.${group}`, subresource]
    .filter((part) => part !== undefined)
    .join('/');
  const which = name === undefined ? '' : ` ${JSON.stringify(name)}`;
  return `${verb} ${what}${which}${namespace === undefined ? '' : ` in namespace ${namespace}`}`;
}
