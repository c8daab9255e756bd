/**
 * The children of a KcpMcpServer: those that are wanted are applied where they differ, in an order in which what a Pod
 * mounts comes before the Pods. What goes wrong with one is a finding about the cause of Ready that it serves, and the
 * others are applied all the same.
 */
import { CERTIFICATE, CONFIG_MAP, SECRET, SERVICE, SERVICE_ACCOUNT, crdNameOf } from '../api/external.ts';
import { isForbidden, keyOf, type ObjectKey } from '../kube/index.ts';
import { certificate } from '../resources/certificate.ts';
import { configMap, InvalidConfigError } from '../resources/config-map.ts';
import { childNames, type ResolvedReferences } from '../resources/index.ts';
import { serviceAccount } from '../resources/service-account.ts';
import { service } from '../resources/service.ts';
import { applyChild } from './apply-child.ts';
import { mayRun, wantsCredentials } from './credentials.ts';
import { lookAtDropIn, resolveDropIn, type ResolvedDropIn } from './drop-in.ts';
import { terminal, waiting, type Problem } from './errors.ts';
import { disagreement, inheritsIssuer } from './inherit.ts';
import { lookAtIssuer } from './issuer.ts';
import { observeKcp } from './kcp.ts';
import { applyKubeconfigCopy, lookAtCopy } from './kubeconfig-copy.ts';
import { applyDeployment, applyNetworkPolicy } from './pods.ts';
import { deploymentOf } from './replicas.ts';
import { isNew, liveChild, type Run } from './run.ts';
import { checkClientSecret, resolveIssuerCA, resolveKubeconfig } from './references.ts';
import { secretInTheWay } from './secret-in-the-way.ts';
import { fails, holds, progressing } from './status.ts';

/** Applies everything that is wanted, and says in the report what couldn't be. */
export async function applyWorkload(run: Run): Promise<void> {
  const { server, report } = run;
  // Asked for at once, so that the answers come together.
  if (!isNew(server)) lookAtCopy(run);
  lookAtDropIn(run);
  const kubeconfig = resolveKubeconfig(server, run);
  // Taken over from the FrontProxy, its CA was read there.
  const issuerCA = run.inherited ? { pem: run.inherited.issuerCA } : resolveIssuerCA(server, run);
  const [signInProblem] = [
    issuerCA.problem,
    checkClientSecret(server, run),
    // What another namespace holds is told only to those who may read there.
    kubeconfig.problem ? undefined : disagreement(run),
  ].filter((problem) => !!problem);
  if (signInProblem) report.causes.OIDCReady ??= fails(signInProblem);

  lookAtIssuer(run, issuerCA);
  if (kubeconfig.copy) observeKcp(run, kubeconfig.copy);

  const dropIn = dropInOf(run);

  const hasAccount = await applyChild(run, 'Available', SERVICE_ACCOUNT, () => serviceAccount(server));
  const hasCopy = await applyKubeconfigCopy(run, kubeconfig);
  const config = await applyConfig(run, dropIn, hasCopy);
  await applyCertificate(run);
  await applyChild(run, 'Exposed', SERVICE, () => service(server));
  await applyNetworkPolicy(run, kubeconfig);
  // Without the rest there is nothing that Pods could mount; those that run already go on.
  if (!hasAccount) return;
  const running = deploymentOf(run);
  if (!hasCopy && (!wantsCredentials(server) || !mayRun(run) || !running)) {
    wontStart(run, 'the kubeconfig is there: see KubeconfigReady');
  } else if (!config) {
    if (!running) wontStart(run, 'config.toml is there: see ConfigReady');
  } else {
    await applyDeployment(run, config);
  }
}

function wontStart({ report }: Run, before: string): void {
  const why = `no Pods are started before ${before}`;
  report.causes.Available = { ...progressing('Unknown', 'WaitingForReference', why), derived: true };
}

/** @returns undefined where not even the spec makes a config.toml: the report says so */
function dropInOf(run: Run): ResolvedDropIn | undefined {
  if (inheritsIssuer(run.server)) {
    const why = 'no config.toml is made before the issuer is known: see OIDCReady';
    run.report.causes.ConfigReady = { ...progressing('Unknown', 'WaitingForReference', why), derived: true };
    return undefined;
  }
  try {
    return resolveDropIn(run);
  } catch (error) {
    if (!(error instanceof InvalidConfigError)) throw error;
    run.report.causes.ConfigReady = fails(terminal('Rejected', error.message));
    return undefined;
  }
}

/** @returns what config.toml was made with; undefined where it couldn't be made or applied */
async function applyConfig(
  run: Run,
  resolved: ResolvedDropIn | undefined,
  hasCopy: boolean,
): Promise<Pick<ResolvedReferences, 'dropIn'> | undefined> {
  const { server, report } = run;
  if (!resolved) return undefined;
  // A Pod that starts meanwhile would find a mode and a kubeconfig that don't go together.
  if (!hasCopy && wantsCredentials(server)) {
    const why = 'config.toml is not made for mode Kubeconfig before the credentials are there: see KubeconfigReady';
    report.causes.ConfigReady = { ...progressing('Unknown', 'WaitingForReference', why), derived: true };
    return undefined;
  }
  const { problem } = resolved;
  if (!resolved.usable) {
    report.causes.ConfigReady = fails(resolved.problem);
    return undefined;
  }
  const { dropIn, from } = resolved;
  if (!(await applyChild(run, 'ConfigReady', CONFIG_MAP, () => configMap(server, dropIn, run.inherited?.issuerCA))))
    return undefined;
  const sources = from === undefined ? 'the spec' : `the spec and ${from}`;
  if (problem) report.causes.ConfigReady = fails(problem);
  report.causes.ConfigReady ??= holds('Rendered', `config.toml is made from ${sources}`);
  return dropIn ? { dropIn } : {};
}

async function applyCertificate(run: Run): Promise<void> {
  const { server, report, caches } = run;
  const { issuerRef } = server.spec.tls;
  if (!issuerRef) return;
  const { phase } = caches.certificates.answered(server.metadata);
  if (phase === 'absent') {
    const message = `the cluster has no ${crdNameOf(CERTIFICATE)}: install cert-manager, or name a Secret with a certificate in spec.tls.secretName`;
    report.causes.CertificateReady = fails(waiting('KindNotInstalled', message));
    return;
  }
  const problem = await takenSecret(run);
  if (problem) {
    report.causes.CertificateReady = fails(problem);
    return;
  }
  await applyChild(run, 'CertificateReady', CERTIFICATE, () => certificate(server, issuerRef));
}

async function isFree({ client, signal }: Run, key: ObjectKey): Promise<boolean> {
  try {
    return (await client.get(SECRET, key, { metadataOnly: true, signal })) === undefined;
  } catch (error) {
    if (isForbidden(error)) return false;
    throw error;
  }
}

/**
 * cert-manager would write into any Secret of that name. So before there is a Certificate of ours the Secret must not
 * exist, or be one that cert-manager made for a Certificate of this name.
 */
async function takenSecret(run: Run): Promise<Problem | undefined> {
  const { server, looks, caches, grantee } = run;
  const { namespace, name: serverName } = server.metadata;
  const name = childNames(serverName).certificate;
  if (liveChild(run, CERTIFICATE, name)) return undefined;
  const key = { namespace, name };
  // Once a Certificate is there nobody asks again, so only what is in the way is watched.
  if (await isFree(run, key)) return undefined;
  return secretInTheWay(looks.look(caches.metadataOf(SECRET), key), key, {
    isTheirs: ({ metadata }) => metadata.annotations?.['cert-manager.io/certificate-name'] === name,
    forbiddenTo: `see whether Secret ${keyOf(key)} is free for the certificate`,
    grantee,
  });
}
