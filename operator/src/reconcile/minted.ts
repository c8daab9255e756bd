/**
 * Kubeconfigs that the operator makes for itself beside a FrontProxy, with its consent (consent.ts), and removes: they may
 * lie in another namespace, where no garbage collection follows. How and why: docs/adr/0018.
 */
import { FRONT_PROXY, KUBECONFIG, KUBECONFIG_SECRET_KEY, type KcpKubeconfig } from '../api/external.ts';
import type { KcpMcpServer } from '../api/kcp-mcp-server.ts';
import { ContestedError, keyOf, type KubeObject, type ObjectKey } from '../kube/index.ts';
import { KubeconfigError, kubeconfigUsers } from '../resources/kubeconfig-copy.ts';
import { isMintedUser, mintedKubeconfig, mintedName, type MintedUse } from '../resources/minted-kubeconfig.ts';
import { consentProblem } from './consent.ts';
import { contested } from './contested.ts';
import { isPassing, problemOf, waiting, type Problem } from './errors.ts';
import { addFinalizer, hasFinalizer, removeFinalizer } from './finalizer.ts';
import { findFrontProxy, frontProxyKeyOf } from './front-proxy.ts';
import { deleteMinted, isMintedFor, mintedOf } from './minted-objects.ts';
import type { DataObject } from './objects.ts';
import type { Run } from './run.ts';
import { secretInTheWay } from './secret-in-the-way.ts';
import { fails, lookAgain } from './status.ts';

/** While Kubeconfigs can't be read: when to look again whether there are some that nobody knew of. */
const UNREADABLE_MS = 30_000;

/** Where a Kubeconfig of ours is, and why it isn't there or as it should be. */
export interface Minted {
  key: ObjectKey;
  problem?: Problem;
}

/** What the spec takes Kubeconfigs of ours for. */
const usesOf = ({ spec }: KcpMcpServer): MintedUse[] => [
  ...(spec.kcp.frontProxyRef ? (['kcp'] as const) : []),
  ...(spec.inventory.mode === 'Index' ? (['index'] as const) : []),
];

/**
 * Has what the spec takes, beside the FrontProxy and with its consent.
 * @throws NotYetKnownError while the API server hasn't answered
 */
export async function mint(run: Run): Promise<void> {
  const uses = usesOf(run.server);
  if (uses.length === 0) return;
  const { frontProxyRef, kubeconfigRef } = run.server.spec.kcp;
  const namespace = (frontProxyRef ?? kubeconfigRef)?.namespace ?? run.server.metadata.namespace ?? 'default';
  const frontProxy = frontProxyKeyOf(run.server, run.caches);
  const refused = frontProxy ? consult(run, frontProxy) : noTarget(namespace, kubeconfigRef?.name ?? '');
  for (const use of uses) {
    const key = { namespace, name: mintedName(run.server, use) };
    const problem = refused ?? (frontProxy && (await ensure(run, use, key, frontProxy)));
    run.minted[use] = problem ? { key, problem } : { key };
  }
}

/** A Kubeconfig may be for a shard, or not be there. */
const noTarget = (namespace: string, name: string): Problem =>
  waiting('NotFound', `Kubeconfig ${namespace}/${name} leads to no FrontProxy by its spec.target.frontProxyRef`);

/** The FrontProxy, if it is there and lets us. */
function consult(run: Run, key: ObjectKey): Problem | undefined {
  const answer = findFrontProxy(key, run);
  if ('problem' in answer) return answer.problem;
  const refused = consentProblem(FRONT_PROXY, answer.found, run.server, 'have kubeconfigs made for it');
  if (!refused) run.frontProxy = answer.found;
  return refused;
}

async function ensure(run: Run, use: MintedUse, key: ObjectKey, frontProxy: ObjectKey): Promise<Problem | undefined> {
  const { server, caches, applier, signal } = run;
  const live = caches.kubeconfigs.store.get(key);
  // Before there is a Kubeconfig of ours, kcp-operator would write into any Secret of that name.
  const taken = live ? undefined : takenSecret(run, use, key);
  if (taken) return taken;
  const informer = {
    observe: (object: KubeObject) => {
      caches.kubeconfigs.observe(object as KcpKubeconfig);
    },
  };
  try {
    if (key.namespace !== server.metadata.namespace) run.server = await addFinalizer(server, run);
    const desired: KubeObject = mintedKubeconfig(server, use, frontProxy);
    await applier.ensure(KUBECONFIG, desired, live && withoutForeignGroups(live), {
      isOurs: isMintedFor(server),
      informer,
      signal,
    });
    return undefined;
  } catch (error) {
    if (isPassing(error)) throw error;
    if (error instanceof ContestedError) {
      lookAgain(run.report, error.contest.againMs);
      return contested(error.contest, KUBECONFIG, key);
    }
    return problemOf(error, `Kubeconfig ${keyOf(key)}`);
  }
}

/** Of an empty list there is nothing to own, so who fills it takes nothing from us: as if nothing had been applied. */
function withoutForeignGroups(live: KcpKubeconfig): KcpKubeconfig {
  if (!live.spec.groups?.length) return live;
  const { annotations: _, ...metadata } = live.metadata;
  return { ...live, metadata };
}

function takenSecret({ caches, looks, grantee }: Run, use: MintedUse, key: ObjectKey): Problem | undefined {
  return secretInTheWay(looks.look(caches.sources.Secret, key), key, {
    isTheirs: (secret) => isLeftOver(secret, use),
    forbiddenTo: `read Secret ${keyOf(key)}, which kcp-operator is to write`,
    grantee,
  });
}

/** Of an earlier Kubeconfig of ours: kcp-operator may leave the Secret behind when the Kubeconfig goes. */
function isLeftOver({ data = {} }: DataObject, use: MintedUse): boolean {
  if (Object.keys(data).join() !== KUBECONFIG_SECRET_KEY) return false;
  try {
    const users = kubeconfigUsers(Buffer.from(data[KUBECONFIG_SECRET_KEY] ?? '', 'base64').toString('utf8'));
    return users.length === 1 && isMintedUser(use, users[0]);
  } catch (error) {
    if (error instanceof KubeconfigError) return false;
    throw error;
  }
}

/**
 * Deletes Kubeconfigs of ours that the spec doesn't ask for any more, or the FrontProxy doesn't consent to; and lets go of the
 * finalizer when nothing is wanted or left in another namespace.
 */
export async function pruneMinted(run: Run): Promise<void> {
  const { server, caches, client, applier, report, signal } = run;
  const kept = Object.values(run.minted).filter(({ problem }) => problem?.reason !== 'NotPermitted');
  const wanted = new Set(kept.map(({ key }) => keyOf(key)));
  // Also where what is wanted couldn't be made: to let go only to take hold again at the next attempt would bring that at once.
  const left = kept.map(({ key }) => key.namespace);
  for (const kubeconfig of mintedOf(server, caches)) {
    const { metadata } = kubeconfig;
    if (wanted.has(keyOf(metadata))) continue;
    try {
      await deleteMinted(kubeconfig, client, signal);
      applier.forget(KUBECONFIG, metadata);
    } catch (error) {
      if (isPassing(error)) throw error;
      left.push(metadata.namespace);
      report.causes.KubeconfigReady = fails(problemOf(error, `Kubeconfig ${keyOf(metadata)}`));
    }
  }
  if (!hasFinalizer(server) || left.some((namespace) => namespace !== server.metadata.namespace)) return;
  const { phase } = caches.kubeconfigs.state();
  if (phase === 'synced' || phase === 'absent') run.server = await removeFinalizer(server, run);
  else lookAgain(run.report, UNREADABLE_MS);
}
