/** CertificateReady: what cert-manager says of the certificate that it makes, and what is in a Secret that somebody else keeps. */
import { X509Certificate } from 'node:crypto';
import {
  CERTIFICATE,
  SECRET,
  type CertManagerCertificate,
  type CertManagerCertificateRequest,
  type ForeignCondition,
} from '../api/external.ts';
import type { KcpMcpServer } from '../api/kcp-mcp-server.ts';
import { keyOf } from '../kube/index.ts';
import { childNames } from '../resources/index.ts';
import { certificateBlocks } from '../resources/pem.ts';
import { SERVER_LABEL } from '../resources/names.ts';
import { waiting } from './errors.ts';
import { grantCommand, READ_VERBS } from './grant.ts';
import type { DataObject } from './objects.ts';
import { NotYetKnownError } from './references.ts';
import { ownChild, type Run } from './run.ts';
import { fails, holds, progressing, type Facts, type Finding } from './status.ts';
import { oneLine } from './text.ts';

/** Completes the report with what is known of the serving certificate. */
export function observeCertificate(run: Run): void {
  const { server, report, now } = run;
  const { secretName, issuerRef } = server.spec.tls;
  if (secretName !== undefined) {
    const { finding, notAfter } = provided(run, secretName);
    report.facts.certificate = { secretName, ...(notAfter !== undefined && { notAfter }) };
    report.causes.CertificateReady ??= finding;
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
  if (certificate)
    report.causes.CertificateReady ??= issuanceOf(certificate, issuerRef, now, requestOf(run, certificate));
}

interface Provided {
  finding: Finding;
  notAfter?: string;
}

/** It is the Pods that mount the Secret: what the operator may not see is taken on trust. */
function provided({ server, looks, caches, now, grantee }: Run, secretName: string): Provided {
  const key = { namespace: server.metadata.namespace, name: secretName };
  const seen = looks.look(caches.certificateSecrets, key);
  switch (seen.state) {
    case 'pending':
      throw new NotYetKnownError();
    case 'absent': {
      const message = `Secret ${keyOf(key)} not found: create it with tls.crt and tls.key, or correct spec.tls.secretName`;
      return { finding: fails(waiting('NotFound', message)) };
    }
    case 'forbidden': {
      const command = grantCommand({ resource: SECRET.plural, key, verbs: READ_VERBS, grantee });
      const message = `from Secret ${keyOf(key)}, which the operator may not read; to have names and expiry checked: ${command}`;
      return { finding: holds('Provided', message) };
    }
    case 'present':
      return judgeProvided(server, seen.object, now);
  }
}

/** @param secret of type kubernetes.io/tls; of its key it is enough that it is there */
export function judgeProvided(server: KcpMcpServer, secret: DataObject, now: Date): Provided {
  const name = `Secret ${keyOf(secret.metadata)}`;
  const bad = (...problem: Parameters<typeof waiting>): Provided => ({ finding: fails(waiting(...problem)) });
  for (const key of ['tls.crt', 'tls.key']) {
    if (!secret.data?.[key])
      return bad('KeyMissing', `${name} has no key ${key}: it must hold tls.crt and tls.key, in PEM`);
  }
  const [leaf] = certificateBlocks(Buffer.from(secret.data?.['tls.crt'] ?? '', 'base64').toString('latin1'));
  if (leaf === undefined) {
    return bad(
      'InvalidCertificate',
      `${name}, key tls.crt, holds no certificate that can be read: put it there in PEM, its chain after it`,
    );
  }
  const certificate = new X509Certificate(leaf);
  const notAfter = certificate.validToDate.toISOString().replace(/\.\d+Z$/, 'Z');
  const { hostname, tls } = server.spec;
  const missing = [hostname, ...tls.dnsNames].filter((host) => certificate.checkHost(host) === undefined);
  if (certificate.validToDate <= now) {
    return {
      ...bad('CertificateExpired', `the certificate in ${name} expired at ${notAfter}: renew it there`),
      notAfter,
    };
  }
  if (certificate.validFromDate > now) {
    const from = certificate.validFromDate.toISOString();
    return { ...bad('InvalidCertificate', `the certificate in ${name} is valid from ${from} on only`), notAfter };
  }
  if (missing.length > 0) {
    const names = oneLine(certificate.subjectAltName ?? 'no name', 256);
    const message = `the certificate in ${name} isn't made out to ${missing.join(', ')} (but to ${names}): put one there that is, or correct spec.hostname and spec.tls.dnsNames`;
    return { ...bad('HostnameMismatch', message), notAfter };
  }
  const message = `the certificate in ${name}, which is not kept by this operator, is valid until ${notAfter}`;
  return { finding: holds('Provided', message), notAfter };
}

/** The CertificateRequest of the issuance under way: it knows what the Certificate doesn't say. */
function requestOf(
  { caches }: Run,
  { metadata, status }: CertManagerCertificate,
): CertManagerCertificateRequest | undefined {
  const revision = String((status?.revision ?? 0) + 1);
  return caches.certificateRequests
    .byIndex('owner', metadata.uid ?? '')
    .find(({ metadata: { annotations } }) => annotations?.['cert-manager.io/certificate-revision'] === revision);
}

type IssuerRef = NonNullable<KcpMcpServer['spec']['tls']['issuerRef']>;

/** cert-manager's own words. Its Ready condition is True, or False with the reason; Issuing is there while it works. */
export function issuanceOf(
  certificate: CertManagerCertificate,
  issuer: IssuerRef,
  now: Date,
  request?: CertManagerCertificateRequest,
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
  const problem = issuanceProblem(certificate, issuer, issuing, request);
  if (expired) {
    const cure = problem ? problem.message : 'see that cert-manager runs';
    return fails(waiting('CertificateExpired', `Certificate ${key} expired at ${notAfter}: ${cure}`));
  }
  if (problem) return problem;
  const words = pendingOf(request) ?? (issuing?.status === 'True' ? issuing : ready);
  const said = words ? saidBy(words) : 'it has not said anything yet';
  const message = `cert-manager is issuing Certificate ${key} from ${issuer.kind} ${issuer.name} (${said}). If it stays: ${describeCommand(certificate)}`;
  return progressing('False', 'Issuing', message);
}

/** What somebody has to mend before there can be a certificate. */
function issuanceProblem(
  certificate: CertManagerCertificate,
  issuer: IssuerRef,
  issuing: ForeignCondition | undefined,
  request: CertManagerCertificateRequest | undefined,
): Finding | undefined {
  const { namespace = '' } = certificate.metadata;
  const key = keyOf(certificate.metadata);
  const pending = pendingOf(request);
  const which = `${issuer.kind} ${issuer.kind === 'ClusterIssuer' ? '' : `${namespace}/`}${issuer.name}`;
  // As cert-manager's controllers for its own issuers write it (pkg/controller/certificaterequests/sync.go).
  if (/^Referenced "\w+" not found/.test(pending?.message ?? '')) {
    const message = `${which}, which spec.tls.issuerRef names, doesn't exist: create it, or correct spec.tls.issuerRef; see: kubectl get ${kindOf(issuer, namespace)}`;
    return fails(waiting('IssuerNotFound', `${message}. cert-manager says: ${saidBy(pending)}`));
  }
  if (/^Referenced issuer does not have a Ready/.test(pending?.message ?? '')) {
    const message = `${which}, which spec.tls.issuerRef names, is not ready: see why with: kubectl describe ${kindOf(issuer, namespace)} ${issuer.name}`;
    return fails(waiting('IssuerNotReady', `${message}. cert-manager says: ${saidBy(pending)}`));
  }
  if (issuing?.status === 'False') {
    const message = `cert-manager could not issue Certificate ${key} from ${which} and will try again: ${saidBy(issuing)}`;
    return fails(waiting('IssuanceFailed', `${message}. See: ${describeCommand(certificate)}`));
  }
  return undefined;
}

/** Why a request isn't done yet. */
const pendingOf = (request: CertManagerCertificateRequest | undefined): ForeignCondition | undefined =>
  request?.status?.conditions?.find(({ type, status }) => type === 'Ready' && status === 'False');

const saidBy = (condition: ForeignCondition | undefined): string =>
  oneLine(`${condition?.reason ?? ''}: ${condition?.message ?? ''}`);

/** kubectl's arguments for the issuer's kind, in its namespace if it has one. */
const kindOf = ({ kind, group }: IssuerRef, namespace: string): string =>
  `${kind === 'ClusterIssuer' ? '' : `-n ${namespace} `}${kind.toLowerCase()}.${group}`;

const describeCommand = ({ metadata: { namespace = '', labels } }: CertManagerCertificate): string =>
  `kubectl -n ${namespace} describe certificate,certificaterequest,order -l ${SERVER_LABEL}=${labels?.[SERVER_LABEL] ?? ''} (with ACME also: kubectl -n ${namespace} describe challenge)`;

const DAY_MS = 86_400_000;

/** When to look again though nothing has changed: once the certificate has expired. At most a day, since timers can't hold a month. */
export function untilExpiry({ report, now }: { report: { facts: Facts }; now: Date }): { afterMs: number } | undefined {
  const notAfter = report.facts.certificate?.notAfter;
  const left = notAfter === undefined ? 0 : Date.parse(notAfter) - now.getTime();
  return left > 0 ? { afterMs: Math.min(left, DAY_MS) } : undefined;
}
