import { readFile } from 'node:fs/promises';

/** One finished request in the audit log (audit.k8s.io/v1 Event at level Metadata); a watch also when it began. */
export interface Audited {
  verb: string;
  stage: 'ResponseStarted' | 'ResponseComplete' | 'Panic';
  user: { username: string };
  userAgent?: string;
  requestURI: string;
  objectRef?: { resource?: string; namespace?: string; name?: string };
  responseStatus?: { code?: number };
  /** When it reached the API server, and when it was answered. */
  requestReceivedTimestamp: string;
  stageTimestamp: string;
}

/** The operator's requests, whichever process of it sent them. */
export async function operatorRequests(auditLog: string): Promise<Audited[]> {
  const lines = (await readFile(auditLog, 'utf8')).split('\n').slice(0, -1);
  return lines
    .map((line) => JSON.parse(line) as Audited)
    .filter(({ user }) => user.username.endsWith(':kcp-mcp-operator'));
}

const WRITES = ['create', 'update', 'patch', 'delete', 'deletecollection'];
/** What every replica may do, leader or not: stand for election, and ask for its own name. */
const UNLED = ['leases', 'selfsubjectreviews'];

/** The work of a leader: all writes but those of the election. */
export const isWork = ({ verb, objectRef }: Audited): boolean =>
  WRITES.includes(verb) && !UNLED.includes(objectRef?.resource ?? '');

/** Whether this was a renewal or taking of the Lease that succeeded. */
export const isRenewal = ({ verb, objectRef, responseStatus }: Audited): boolean =>
  ['create', 'update'].includes(verb) && objectRef?.resource === 'leases' && (responseStatus?.code ?? 500) < 300;

/** The leader-election identity in the User-Agent: `kcp-mcp-operator/1 (IDENTITY)`. */
export const holderOf = ({ userAgent = '' }: Audited): string => /\((.*)\)/.exec(userAgent)?.[1] ?? '';

/** How many watches of these are open. */
export function openWatches(requests: readonly Audited[]): number {
  const at = (stage: Audited['stage']) =>
    requests.filter((each) => each.verb === 'watch' && each.stage === stage).length;
  return at('ResponseStarted') - at('ResponseComplete');
}
