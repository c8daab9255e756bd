/**
 * The identity that makes the index (spec.inventory.mode Index): minted beside the FrontProxy, and copied with its credentials
 * into a Secret of its own. While there is none the server does without an index (docs/adr/0019).
 */
import { SECRET } from '../api/external.ts';
import { keyOf, parseKey, type KubeObject } from '../kube/index.ts';
import { childNames, COPIED_FROM_ANNOTATION } from '../resources/index.ts';
import { indexSecret } from '../resources/index-secret.ts';
import { mintedName } from '../resources/minted-kubeconfig.ts';
import { withoutIndex } from '../resources/effective-server.ts';
import { allowsNamespace } from './consent.ts';
import { mountsIndex } from './credentials.ts';
import { forbidden, type Problem } from './errors.ts';
import { frontProxyKeyOf } from './front-proxy.ts';
import { grantCommand, OWN_VERBS } from './grant.ts';
import { mintedOf } from './minted-objects.ts';
import { NotYetKnownError, readIdentity } from './references.ts';
import { deploymentOf } from './replicas.ts';
import { isOurs, type Run } from './run.ts';
import { fails, progressing } from './status.ts';
import { withdraw } from './withdrawal.ts';
import { applyChild } from './apply-child.ts';

/**
 * Copies it, or takes the copy away. `run.server` asks for an index afterwards only if there is an identity to make it with.
 * @throws NotYetKnownError while the API server hasn't answered
 */
export async function copyIndexIdentity(run: Run): Promise<void> {
  const { server, report, minted } = run;
  if (!minted.index) return removeFormer(run);
  const earlier = ownCopy(run);
  const { problem, waits } = await copyFrom(minted.index, run);
  if (!problem) return;

  // Of one that is gone nobody knows any more who lent it; Pods may have it all the same.
  const isLent = earlier ? isStillLent(earlier, run) : isHidden(run);
  const permitted = problem.reason !== 'NotPermitted' && isLent;
  const left = earlier && !permitted ? await withdraw(run, earlier) : undefined;
  const usable = permitted && (earlier !== undefined || isMounted(run));
  const meanwhile = usable
    ? 'The server goes on with the identity that it has'
    : "Meanwhile it is a walk with the caller's token that finds workspaces";
  const said = left ?? { ...problem, message: `no identity for the index: ${problem.message}. ${meanwhile}` };
  report.causes.KubeconfigReady = waits ? progressing('False', said.reason, said.message) : fails(said);
  run.isIndexTaken = !permitted;
  if (!usable) run.server = withoutIndex(server);
}

interface Outcome {
  problem?: Problem | undefined;
  /** It is kcp-operator that is at work. */
  waits?: boolean | undefined;
}

async function copyFrom(minted: NonNullable<Run['minted']['index']>, run: Run): Promise<Outcome> {
  const { server, report, caches, grantee } = run;
  const own = { namespace: server.metadata.namespace, name: childNames(server.metadata.name).indexSecret };
  const command = grantCommand({ resource: SECRET.plural, key: own, verbs: OWN_VERBS, grantee });
  const isForbidden = isHidden(run);
  const read = minted.problem ? { problem: minted.problem, progressing: false } : readIdentity(minted.key, server, run);
  if (read.problem) {
    const problem = { ...read.problem };
    // One round for whoever has to grant both.
    if (problem.command !== undefined && isForbidden) problem.command += ` && ${command}`;
    return { problem, waits: read.progressing };
  }
  if (isForbidden) {
    return { problem: forbidden(`the operator may not keep its copy in Secret ${keyOf(own)}`, command) };
  }
  const frontProxy = frontProxyKeyOf(server, caches);
  // Gone since the Kubeconfig was seen to: its going wakes us.
  if (!frontProxy) throw new NotYetKnownError();
  if (await applyChild(run, 'KubeconfigReady', SECRET, () => indexSecret(server, read.copy, frontProxy))) return {};
  const { kind, reason = 'Rejected', message = '' } = report.causes.KubeconfigReady ?? {};
  // Reading was allowed; perhaps writing isn't. A Role isn't watched, so this stays one to try again.
  if (kind === 'transient' && reason === 'Rejected') {
    return { problem: { kind, reason: 'Forbidden', message, command } };
  }
  return { problem: { kind: kind === 'terminal' ? kind : 'transient', reason, message } };
}

/** Whether who lent an earlier copy goes on doing so, whomever the spec names now: its consent is its own. */
function isStillLent({ metadata: { annotations } }: KubeObject, { server, caches, looks }: Run): boolean {
  const lender = parseKey((annotations?.[COPIED_FROM_ANNOTATION] ?? '').replace(/^\S* /, ''));
  const seen = looks.look(caches.frontProxies, lender);
  return seen.state !== 'present' || allowsNamespace(seen.object, server.metadata.namespace ?? 'default');
}

function lookAtCopy({ server, looks, caches }: Run) {
  const key = { namespace: server.metadata.namespace, name: childNames(server.metadata.name).indexSecret };
  return looks.look(caches.metadataOf(SECRET), key);
}

const isHidden = (run: Run): boolean => lookAtCopy(run).state === 'forbidden';

/** The Secret, if it is there and ours. */
function ownCopy(run: Run): KubeObject | undefined {
  const seen = lookAtCopy(run);
  if (seen.state === 'pending') throw new NotYetKnownError();
  return seen.state === 'present' && isOurs(run.server)(seen.object) ? seen.object : undefined;
}

/** Whether Pods have it, also where the operator may not see the Secret. */
const isMounted = (run: Run): boolean => mountsIndex(deploymentOf(run));

/**
 * The spec asks for no index. Whether it did before, the Kubeconfig tells, which goes last; no Secret is looked for by those
 * who never had one.
 */
async function removeFormer(run: Run): Promise<void> {
  const { server, caches, report, minted } = run;
  run.isIndexTaken = minted.kcp?.problem?.reason === 'NotPermitted';
  const name = mintedName(server, 'index');
  const former = mintedOf(server, caches).find(({ metadata }) => metadata.name === name);
  const copy = former && ownCopy(run);
  const left = copy && (await withdraw(run, copy, 'which spec.inventory.mode no longer asks for'));
  if (!left) return;
  report.causes.KubeconfigReady = fails(left);
  run.minted.index = { key: former.metadata };
}
