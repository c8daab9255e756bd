/** The Pods: how many, whom they may reach, and how they may be evicted. */
import { DEPLOYMENT, NETWORK_POLICY, POD_DISRUPTION_BUDGET } from '../api/external.ts';
import type { KubeObject } from '../kube/index.ts';
import { deployment } from '../resources/deployment.ts';
import type { ResolvedReferences } from '../resources/index.ts';
import { networkPolicy } from '../resources/network-policy.ts';
import { podDisruptionBudget } from '../resources/pod-disruption-budget.ts';
import { applyChild } from './apply-child.ts';
import { inheritsIssuer } from './inherit.ts';
import type { Resolved } from './references.ts';
import { autoscalerOf, deploymentOf, hasSeveralPods, replicasOf } from './replicas.ts';
import type { Run } from './run.ts';

/** With the address of kcp that counts now, or the one that the Pods go on with. */
export async function applyNetworkPolicy(run: Run, { copy }: Resolved): Promise<void> {
  const { spec, status } = run.server;
  const url = copy?.server ?? status?.kubeconfig?.server;
  const wanted = spec.networkPolicy;
  // Without the issuer it would cut those off that have one already.
  if (!wanted || url === undefined || inheritsIssuer(run.server)) return;
  const build = (): KubeObject => networkPolicy(run.server, wanted, { kubeconfig: { server: url } });
  await applyChild(run, 'Exposed', NETWORK_POLICY, build);
}

/** The Deployment, and what comes with the number of its Pods. */
export async function applyDeployment(run: Run, config: Pick<ResolvedReferences, 'dropIn'>): Promise<void> {
  const { server, runtimeImage } = run;
  const replicas = replicasOf(server.spec.deployment.replicas, !!autoscalerOf(run), deploymentOf(run));
  const references = { ...config, runtimeImage, ...(replicas !== undefined && { replicas }) };
  await applyChild(run, 'Available', DEPLOYMENT, () => deployment(server, references));
  if (hasSeveralPods(run)) {
    await applyChild(run, 'Available', POD_DISRUPTION_BUDGET, () => podDisruptionBudget(server));
  }
}
