/** The copy of the kubeconfig that the Pods mount: made, kept, or removed where nobody consents to it any more. */
import { SECRET } from '../api/external.ts';
import type { KcpMcpServer } from '../api/kcp-mcp-server.ts';
import { keyOf, type KubeObject, type ObjectKey } from '../kube/index.ts';
import { childNames, kubeconfigSecret, kubeconfigSha256, type KubeconfigCopy } from '../resources/index.ts';
import { applyChild } from './apply-child.ts';
import { fitsSpec, holdsCredentials, wantsCredentials } from './credentials.ts';
import { forbidden, type Problem } from './errors.ts';
import { grantCommand, OWN_VERBS } from './grant.ts';
import { NotYetKnownError, type Resolved } from './references.ts';
import { isNew, isOurs, type Run } from './run.ts';
import { fails, holds, progressing } from './status.ts';
import type { Watched } from './watched-objects.ts';
import { withdraw } from './withdrawal.ts';

/** @returns whether there is a copy, of now or of earlier, that Pods can mount */
export async function applyKubeconfigCopy(run: Run, resolved: Resolved): Promise<boolean> {
  const { server, report, grantee } = run;
  const key = copyKeyOf(server);
  // Applied without a look; then the watch begins where it was written.
  const isFirst = isNew(server) && !resolved.problem && !run.caches.metadataOf(SECRET).isWatched(key);
  const seen: Watched<KubeObject> = isFirst ? { state: 'absent' } : lookAtCopy(run);
  if (seen.state === 'pending') throw new NotYetKnownError();
  const earlier = seen.state === 'present' && isOurs(server)(seen.object) ? seen.object : undefined;
  const withheld = resolved.problem?.reason === 'NotPermitted' || resolved.withheld === true;
  const usable = earlier !== undefined && !withheld && fitsSpec(earlier, server);
  // Whether or not there still is one: what is withheld may not be used.
  run.copy = usable ? 'there' : seen.state === 'forbidden' && !withheld ? 'unknown' : 'gone';

  const command = grantCommand({ resource: SECRET.plural, key, verbs: OWN_VERBS, grantee });
  if (resolved.problem) {
    const isForfeited = earlier && (holdsCredentials(earlier) ? !usable : withheld && !wantsCredentials(server));
    const hindrance = isForfeited ? await withdraw(run, earlier) : undefined;
    const problem = { ...(hindrance ?? resolved.problem) };
    if (earlier && !isForfeited) problem.message += '. The server goes on with the copy that it has';
    else if (resolved.withheld && !hindrance) problem.message += '. Nothing is copied, and no Pods run';
    // One round for whoever has to grant both.
    if (problem.command !== undefined && seen.state === 'forbidden') problem.command += ` && ${command}`;
    report.causes.KubeconfigReady =
      resolved.progressing && !hindrance ? progressing('False', problem.reason, problem.message) : fails(problem);
    if (isForfeited || !server.status?.kubeconfig) report.facts.kubeconfig = { source: resolved.source };
    return usable;
  }
  if (seen.state === 'forbidden') {
    const message = `the operator may not keep its copy in Secret ${keyOf(key)}`;
    report.causes.KubeconfigReady = fails(forbidden(message, command));
    return false;
  }
  const { copy, secret, source } = resolved;
  const isApplied = await applyCopy(run, copy, command);
  // What was in the way is known before a word is said of it.
  if (isFirst && lookAtCopy(run).state === 'pending' && !isApplied) throw new NotYetKnownError();
  if (!isApplied) return usable;
  run.copy = 'there';
  const withWhat = copy.credentials ? ', with its credentials' : '';
  report.causes.KubeconfigReady ??= holds('Copied', `${copy.server}, from Secret ${keyOf(secret)}${withWhat}`);
  report.facts.kubeconfig = { source, server: copy.server, sha256: kubeconfigSha256(copy) };
  return true;
}

const copyKeyOf = ({ metadata: { namespace, name } }: KcpMcpServer): ObjectKey => ({
  namespace,
  name: childNames(name).kubeconfigSecret,
});

/** What is known of the Secret with the copy. */
export const lookAtCopy = ({ server, looks, caches }: Run): Watched<KubeObject> =>
  looks.look(caches.metadataOf(SECRET), copyKeyOf(server));

async function applyCopy(run: Run, copy: KubeconfigCopy, command: string): Promise<boolean> {
  const { server, report } = run;
  const build = (): KubeObject => kubeconfigSecret(server, { kubeconfig: copy });
  if (await applyChild(run, 'KubeconfigReady', SECRET, build)) return true;
  const finding = report.causes.KubeconfigReady;
  if (finding?.kind === 'transient' && finding.reason === 'Rejected') {
    // Reading was allowed; perhaps writing isn't. A Role isn't watched, so this stays one to try again.
    const problem: Problem = { kind: 'transient', reason: 'Forbidden', message: finding.message, command };
    report.causes.KubeconfigReady = fails(problem);
  }
  return false;
}
