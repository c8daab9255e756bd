import type { Dispatcher } from 'undici';
import type { RequestInfo } from './request-info.ts';
import { accessDenied } from './status.ts';

/** API groups that a generic control plane serves and kcp doesn't. */
const foreignGroups = new Set(['apiregistration.k8s.io', 'flowcontrol.apiserver.k8s.io']);

const reviews = new Set(['selfsubjectaccessreviews', 'localsubjectaccessreviews', 'subjectaccessreviews']);

/**
 * Turns the answers of a generic control plane that differ from kcp's into kcp's: 403s and access reviews give no
 * reason, and `/apis` lists no foreign groups.
 *
 * @returns the new body; undefined when the answer is right as it is (its stream is untouched then)
 */
export async function rewriteAnswer(
  info: RequestInfo,
  status: number,
  headers: Record<string, string | string[]>,
  body: Dispatcher.ResponseData['body'],
): Promise<string | undefined> {
  const rewrite = rewriteFor(info, status);
  if (!rewrite || !headerOf(headers, 'content-type').startsWith('application/json')) return undefined;
  if (headerOf(headers, 'content-encoding') !== '') return undefined;
  const text = await body.text();
  return `${JSON.stringify(rewrite(JSON.parse(text) as Json))}\n`;
}

/** Whether the request is for the list of API groups. */
export function isGroupList(info: RequestInfo): boolean {
  return info.path === '/apis' || info.path === '/apis/';
}

type Json = Record<string, unknown>;

function rewriteFor(info: RequestInfo, status: number): ((body: Json) => Json) | undefined {
  if (status === 403) return anonymizeRefusal;
  if (status < 300 && info.group === 'authorization.k8s.io' && reviews.has(info.resource)) return anonymizeReview;
  if (status === 200 && isGroupList(info)) return hideForeignGroups;
  return undefined;
}

/** `… cannot VERB … at the cluster scope` gets kcp's reason, whatever RBAC's was. Refusals by admission stay. */
function anonymizeRefusal(status: Json): Json {
  const attempt =
    /^(.*User "[^"]*" cannot .*?(?:at the cluster scope|in the namespace "[^"]*"|path "[^"]*"))(?:: .*)?$/s;
  const found = attempt.exec(String(status['message']));
  return found ? { ...status, message: `${found[1] ?? ''}: ${accessDenied}` } : status;
}

function anonymizeReview(review: Json): Json {
  const { allowed } = review['status'] as { allowed: boolean };
  return { ...review, status: { allowed, reason: allowed ? 'access granted' : accessDenied } };
}

function hideForeignGroups(list: Json): Json {
  const groups = list['groups'] as { name: string }[];
  return { ...list, groups: groups.filter((group) => !foreignGroups.has(group.name)) };
}

function headerOf(headers: Record<string, string | string[]>, name: string): string {
  return String(headers[name] ?? '');
}
