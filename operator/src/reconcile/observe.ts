/**
 * How the children are doing: what cert-manager, the Deployment controller and the cloud say of them. A cause that already
 * has a finding (it couldn't be applied) keeps it.
 */
import type { Reason } from '../api/conditions.ts';
import { keyOf } from '../kube/index.ts';
import { inboundAudience, publicURL, selectorLabels } from '../resources/index.ts';
import { observeCertificate } from './certificate.ts';
import { waiting } from './errors.ts';
import { autoscalerOf, deploymentOf } from './replicas.ts';
import { observeIssuer } from './issuer.ts';
import { exposedOf } from './exposed.ts';
import type { Deployment } from './objects.ts';
import { worstOf, type Trouble } from './pod-trouble.ts';
import type { Run } from './run.ts';
import { fails, holds, progressing, type Finding } from './status.ts';
import { oneLine } from './text.ts';

/** Completes the report with what the caches say. */
export function observe(run: Run): void {
  const { server, report } = run;
  observeSpec(run);

  const deployment = deploymentOf(run);
  report.facts.replicas = deployment?.status?.replicas ?? 0;
  report.facts.selector = selectorOf(server.metadata.name);
  report.facts.readyReplicas = deployment?.status?.readyReplicas ?? 0;
  if (deployment) report.causes.Available ??= withAutoscaler(availabilityOf(deployment, troubleOf(run)), run);
  observeIssuer(run, deployment);

  const exposed = exposedOf(run);
  if (exposed) report.causes.Exposed ??= exposed;
  // Callers are pointed at what answers.
  report.facts.url = report.causes.Exposed?.status === 'True' ? `${publicURL(server)}/mcp` : undefined;
}

function observeSpec(run: Run): void {
  const { server, report } = run;
  const { oidc } = server.spec.auth;
  if (server.spec.auth.allowUnauthenticated) {
    report.facts.oidc = undefined;
    const message =
      'nobody signs in (spec.auth.allowUnauthenticated): whoever reaches the Service acts as the kubeconfig';
    report.causes.OIDCReady = holds('NotRequired', message);
  }
  if (oidc) report.facts.oidc = { issuer: oidc.issuerURL, audience: inboundAudience(server) };
  observeCertificate(run);
}

/** Label selector of the Pods of a KcpMcpServer, as kubectl takes it. */
const selectorOf = (name: string): string =>
  Object.entries(selectorLabels(name))
    .map(([key, value]) => `${key}=${value}`)
    .join(',');

const troubleOf = ({ caches, server }: Run): Trouble | undefined =>
  worstOf(caches.pods.byIndex('server', keyOf(server.metadata)));

/** As `kubectl rollout status` judges, and what the Deployment controller says where it gave up; its Pods say why. */
export function availabilityOf(deployment: Deployment, trouble?: Trouble): Finding {
  const { metadata, status } = deployment;
  const finding = rolloutOf(deployment);
  const seen = (status?.observedGeneration ?? 0) >= (metadata.generation ?? 0);
  if (finding.status === 'True' || !seen || NOT_OF_PODS.has(finding.reason) || !trouble) return finding;
  const kubectl = `kubectl -n ${metadata.namespace ?? ''}`;
  const command = trouble.command === undefined ? describePods(deployment) : `${kubectl} ${trouble.command}`;
  const message = `${trouble.message}; see: ${command}`;
  if (trouble.reason) return { ...fails(waiting(trouble.reason, message)), status: finding.status };
  // Starting takes a moment: only what should have been over by now is worth a word.
  return finding.reason === 'RollingOut' ? finding : { ...finding, message };
}

/** What isn't for its Pods to explain. */
const NOT_OF_PODS = new Set<Reason>(['ScaledToZero', 'FailedCreate']);

const describePods = ({ metadata: { namespace, labels } }: Deployment): string =>
  `kubectl -n ${namespace ?? ''} describe pods -l ${selectorOf(labels?.['app.kubernetes.io/instance'] ?? '')}`;

function rolloutOf(deployment: Deployment): Finding {
  const { metadata, spec, status } = deployment;
  const wanted = spec?.replicas ?? 1;
  const { updatedReplicas = 0, availableReplicas = 0, replicas = 0, readyReplicas = 0, conditions = [] } = status ?? {};
  const condition = (type: string) => conditions.find((item) => item.type === type);
  const progress = condition('Progressing');
  const name = `Deployment ${keyOf(metadata)}`;
  const help = `see: ${describePods(deployment)}`;

  if (wanted === 0) {
    const command = `kubectl -n ${metadata.namespace ?? ''} scale deployment ${metadata.name} --replicas=1`;
    // Where the spec has a number, it would undo that.
    const message = `${name} has no replicas: set spec.deployment.replicas, or where that is left out: ${command}`;
    return fails(waiting('ScaledToZero', message));
  }
  const seen = (status?.observedGeneration ?? 0) >= (metadata.generation ?? 0);
  const failure = condition('ReplicaFailure');
  if (seen && failure?.status === 'True') {
    const command = describePods(deployment).replace(' pods ', ' replicasets ');
    return fails(waiting('FailedCreate', `${name} can't create Pods: ${oneLine(failure.message)}; see: ${command}`));
  }
  if (seen && progress?.reason === 'ProgressDeadlineExceeded') {
    return fails(waiting('ProgressDeadlineExceeded', `${name}: ${oneLine(progress.message)}; ${help}`));
  }
  const rolledOut = seen && updatedReplicas >= wanted && replicas <= updatedReplicas;
  const serving = condition('Available')?.status === 'True';
  if (rolledOut && (availableReplicas >= wanted || (serving && availableReplicas > 0))) {
    return holds('MinimumReplicasAvailable', `${readyReplicas} of ${wanted} Pods are ready`);
  }
  if (rolledOut && progress?.reason === 'NewReplicaSetAvailable') {
    const message = `${readyReplicas} of ${wanted} Pods are ready; ${help}`;
    return fails(waiting('MinimumReplicasUnavailable', message));
  }
  const message = seen
    ? `${updatedReplicas} of ${wanted} Pods have the new template, ${availableReplicas} Pods, old or new, are available; if it stays, ${help}`
    : `${name} was changed, and its controller has not answered yet`;
  return progressing(serving && availableReplicas > 0 ? 'Unknown' : 'False', 'RollingOut', message);
}

/** Says that a number in the spec has no effect. */
function withAutoscaler(finding: Finding, run: Run): Finding {
  const { replicas } = run.server.spec.deployment;
  const autoscaler = autoscalerOf(run);
  if (replicas === undefined || !autoscaler) return finding;
  const note = `spec.deployment.replicas (${replicas}) has no effect while HorizontalPodAutoscaler ${keyOf(autoscaler.metadata)} says how many Pods there are: remove one of the two`;
  return { ...finding, message: `${finding.message}. ${note}` };
}
