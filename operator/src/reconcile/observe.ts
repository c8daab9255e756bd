/**
 * How the children are doing: what cert-manager, the Deployment controller and the cloud say of them. A cause that already
 * has a finding (it couldn't be applied) keeps it.
 */
import { CERTIFICATE, DEPLOYMENT, SECRET, type CertManagerCertificate } from '../api/external.ts';
import { keyOf } from '../kube/index.ts';
import { childNames, inboundAudience, publicURL, selectorLabels } from '../resources/index.ts';
import { waiting } from './errors.ts';
import { autoscalerOf } from './replicas.ts';
import { observeIssuer } from './issuer.ts';
import { exposedOf } from './exposed.ts';
import type { Deployment } from './objects.ts';
import { NotYetKnownError } from './references.ts';
import { ownChild, type Run } from './run.ts';
import { fails, holds, progressing, type Finding } from './status.ts';
import { oneLine } from './text.ts';

/** Completes the report with what the caches say. */
export function observe(run: Run): void {
  const { server, report } = run;
  const names = childNames(server.metadata.name);
  // A spec that isn't acted on says nothing about what runs.
  const actedOn = report.overall === undefined;
  if (actedOn) observeSpec(run);

  const deployment = ownChild(run, DEPLOYMENT, names.workload) as Deployment | undefined;
  report.facts.replicas = deployment?.status?.replicas ?? 0;
  report.facts.selector = selectorOf(server.metadata.name);
  report.facts.readyReplicas = deployment?.status?.readyReplicas ?? 0;
  if (deployment) report.causes.Available ??= withAutoscaler(availabilityOf(deployment), run);
  if (actedOn) observeIssuer(run, deployment);

  const exposed = exposedOf(run);
  if (exposed && actedOn) report.causes.Exposed ??= exposed;
  // Callers are pointed at what answers.
  if (actedOn) report.facts.url = report.causes.Exposed?.status === 'True' ? `${publicURL(server)}/mcp` : undefined;
}

function observeSpec(run: Run): void {
  const { server, report } = run;
  const { oidc } = server.spec.auth;
  if (oidc) report.facts.oidc = { issuer: oidc.issuerURL, audience: inboundAudience(server) };
  observeCertificate(run);
}

function observeCertificate(run: Run): void {
  const { server, report } = run;
  const { secretName, issuerRef } = server.spec.tls;
  if (secretName !== undefined) {
    report.facts.certificate = { secretName };
    report.causes.CertificateReady ??= provided(run, secretName);
    return;
  }
  if (!issuerRef) {
    report.facts.certificate = undefined;
    report.causes.CertificateReady ??= holds(
      'ProvidedByEdge',
      'TLS ends before the Pods, with a certificate kept there',
    );
    return;
  }
  const name = childNames(server.metadata.name).certificate;
  const certificate = ownChild(run, CERTIFICATE, name) as CertManagerCertificate | undefined;
  const notAfter = certificate?.status?.notAfter;
  report.facts.certificate = { secretName: name, ...(notAfter !== undefined && { notAfter }) };
  if (certificate) report.causes.CertificateReady ??= issuanceOf(certificate, issuerRef, run.now);
}

/** A Secret that somebody else keeps. It is the Pods that mount it: what the operator may not see is taken on trust. */
function provided({ server, looks, caches }: Run, secretName: string): Finding {
  const key = { namespace: server.metadata.namespace, name: secretName };
  const seen = looks.look(caches.metadataOf(SECRET), key);
  if (seen.state === 'pending') throw new NotYetKnownError();
  if (seen.state === 'absent') {
    const message = `Secret ${keyOf(key)} not found: create it with tls.crt and tls.key, or correct spec.tls.secretName`;
    return fails(waiting('NotFound', message));
  }
  return holds('Provided', `from Secret ${keyOf(key)}, which is not kept by this operator`);
}

/** cert-manager's own words. Its Ready condition is True, or False with the reason; Issuing is there while it works. */
export function issuanceOf(
  certificate: CertManagerCertificate,
  issuer: { kind: string; name: string },
  now: Date,
): Finding {
  const key = keyOf(certificate.metadata);
  const conditions = certificate.status?.conditions ?? [];
  const ready = conditions.find(({ type }) => type === 'Ready');
  const issuing = conditions.find(({ type }) => type === 'Issuing');
  const notAfter = certificate.status?.notAfter;
  const current = (ready?.observedGeneration ?? Infinity) >= (certificate.metadata.generation ?? 0);
  // A cert-manager that doesn't run doesn't say that its certificates have expired.
  const expired = notAfter !== undefined && (ready?.reason === 'Expired' || Date.parse(notAfter) <= now.getTime());
  if (ready?.status === 'True' && current && !expired) {
    return holds('Issued', `Certificate ${key} is valid until ${notAfter ?? 'an unknown time'}`);
  }
  if (expired) {
    return fails(
      waiting('CertificateExpired', `Certificate ${key} expired at ${notAfter}: see that cert-manager runs`),
    );
  }
  const by = `${issuer.kind} ${issuer.name}`;
  if (issuing?.status === 'False' && issuing.reason === 'Failed') {
    const message = `cert-manager could not issue Certificate ${key} from ${by}: ${oneLine(issuing.message)}`;
    return fails(waiting('IssuanceFailed', message));
  }
  const words = issuing?.status === 'True' ? issuing : ready;
  const said = words ? `${words.reason ?? ''}: ${words.message ?? ''}` : 'it has not said anything yet';
  return progressing(
    'False',
    'Issuing',
    `cert-manager is issuing Certificate ${key} from ${by} (${oneLine(said)}). If it stays: kubectl -n ${certificate.metadata.namespace ?? ''} describe certificate ${certificate.metadata.name}`,
  );
}

const DAY_MS = 86_400_000;

/** When to look again though nothing has changed: once the certificate has expired. At most a day, since timers can't hold a month. */
export function untilExpiry({ report, now }: Pick<Run, 'report' | 'now'>): { afterMs: number } | undefined {
  const notAfter = report.facts.certificate?.notAfter;
  const left = notAfter === undefined ? 0 : Date.parse(notAfter) - now.getTime();
  return left > 0 ? { afterMs: Math.min(left, DAY_MS) } : undefined;
}

/** Label selector of the Pods of a KcpMcpServer, as kubectl takes it. */
const selectorOf = (name: string): string =>
  Object.entries(selectorLabels(name))
    .map(([key, value]) => `${key}=${value}`)
    .join(',');

/** As `kubectl rollout status` judges, and what the Deployment controller says where it gave up. */
export function availabilityOf(deployment: Deployment): Finding {
  const { metadata, spec, status } = deployment;
  const wanted = spec?.replicas ?? 1;
  const { updatedReplicas = 0, availableReplicas = 0, replicas = 0, readyReplicas = 0, conditions = [] } = status ?? {};
  const condition = (type: string) => conditions.find((item) => item.type === type);
  const progress = condition('Progressing');
  const name = `Deployment ${keyOf(metadata)}`;
  const help = `see: kubectl -n ${metadata.namespace ?? ''} describe pods -l ${selectorOf(metadata.labels?.['app.kubernetes.io/instance'] ?? '')}`;

  if (wanted === 0) {
    const message = `${name} has no replicas: set spec.deployment.replicas, or scale it with kubectl`;
    return fails(waiting('ScaledToZero', message));
  }
  const seen = (status?.observedGeneration ?? 0) >= (metadata.generation ?? 0);
  const failure = condition('ReplicaFailure');
  if (seen && failure?.status === 'True') {
    const message = `${name} can't create Pods: ${oneLine(failure.message)}`;
    return fails(waiting('MinimumReplicasUnavailable', message));
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
    ? `${updatedReplicas} of ${wanted} Pods have the new template, ${availableReplicas} Pods are available; if it stays, ${help}`
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
