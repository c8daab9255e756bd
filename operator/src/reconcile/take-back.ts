import { SECRET } from '../api/external.ts';
import type { KubeObject } from '../kube/index.ts';
import { childNames } from '../resources/index.ts';
import { PODS, prune } from './cleanup.ts';
import { fitsSpec, holdsCredentials, wantsCredentials } from './credentials.ts';
import { waiting, type Problem } from './errors.ts';
import { NotYetKnownError, resolveKubeconfig } from './references.ts';
import { deploymentOf } from './replicas.ts';
import { isOurs, type Run } from './run.ts';
import { fails } from './status.ts';
import { withdraw } from './withdrawal.ts';

/**
 * Ends a loan of credentials that the source doesn't consent to any more, or the spec doesn't ask for, though the server is on its
 * way out and nothing else is done for it: a finalizer of somebody else may draw that out, and what the source takes back isn't
 * for the borrower to keep.
 * @throws NotYetKnownError while the API server hasn't answered
 */
export async function takeBack(run: Run): Promise<void> {
  const { server, looks, caches, report } = run;
  const { namespace } = server.metadata;
  const names = childNames(server.metadata.name);
  const seen = looks.look(caches.metadataOf(SECRET), { namespace, name: names.kubeconfigSecret });
  if (seen.state === 'pending') throw new NotYetKnownError();
  const own = seen.state === 'present' && isOurs(server)(seen.object) ? seen.object : undefined;
  const copy = own && holdsCredentials(own) ? own : undefined;
  const pods = deploymentOf(run);
  if (!copy && !(pods && holdsCredentials(pods))) return;
  const problem = whyNotKept(run, copy);
  if (!problem) return;

  run.copy = 'gone';
  const hindrance = copy && (await withdraw(run, copy));
  report.causes.KubeconfigReady = fails(hindrance ?? problem);
  report.facts.kubeconfig = undefined;
  await prune(run, [PODS]);
}

function whyNotKept(run: Run, copy: KubeObject | undefined): Problem | undefined {
  const { server } = run;
  if (!wantsCredentials(server) || (copy && !fitsSpec(copy, server))) {
    const message =
      'the credentials that were copied are not what spec.kcp and spec.auth.mode ask for, and were removed';
    return waiting('NotPermitted', `${message}. No Pods run`);
  }
  const { withheld, problem } = resolveKubeconfig(server, run);
  return withheld === true
    ? { ...problem, message: `${problem.message}. Nothing is copied, and no Pods run` }
    : undefined;
}
