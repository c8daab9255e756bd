/**
 * What the FrontProxy says about signing in: taken over where spec.auth leaves it out, and compared with it where it doesn't.
 */
import { SECRET } from '../api/external.ts';
import type { KcpMcpServer } from '../api/kcp-mcp-server.ts';
import { keyOf, type ObjectKey } from '../kube/index.ts';
import { childNames } from '../resources/index.ts';
import { certificateBlocks } from '../resources/pem.ts';
import { ISSUER_CA_KEY } from '../resources/pod-layout.ts';
import { effectiveServer } from '../resources/effective-server.ts';
import { forbidden, waiting, type Problem } from './errors.ts';
import { frontProxyKeyOf, issuerOf, type KcpIssuer } from './front-proxy.ts';
import { grantCommand, READ_VERBS } from './grant.ts';
import { NotYetKnownError } from './references.ts';
import { isOurs, type Run } from './run.ts';
import { fails, progressing } from './status.ts';

/** Whether the spec leaves it to the FrontProxy how callers sign in. */
export const inheritsIssuer = ({ spec }: KcpMcpServer): boolean =>
  spec.kcp.frontProxyRef !== undefined && spec.auth.oidc === undefined && !spec.auth.allowUnauthenticated;

/**
 * Completes the spec of the run. Where it can't be, `run.server` stays without an issuer, and OIDCReady says why.
 * @throws NotYetKnownError while the API server hasn't answered
 */
export function inherit(run: Run): void {
  const { server, report } = run;
  if (!inheritsIssuer(server)) return;
  if (!run.frontProxy) {
    const message = 'issuer and client id are taken over from the FrontProxy: see KubeconfigReady';
    report.causes.OIDCReady = { ...progressing('Unknown', 'WaitingForReference', message), derived: true };
    return;
  }
  const answer = issuerOf(run.frontProxy, run);
  if ('problem' in answer) {
    report.causes.OIDCReady = fails(answer.problem);
    return;
  }
  const ca = issuerCA(answer.issuer, run);
  if (ca?.problem) report.causes.OIDCReady = fails(ca.problem);
  // The system's CAs in place of the one that can't be had would be another trust than was meant.
  if (ca && ca.pem === undefined) return;
  const { from } = answer.issuer;
  run.inherited = ca?.pem === undefined ? { from } : { from, issuerCA: ca.pem };
  run.server = effectiveServer(server, { ...answer.issuer, hasCA: ca !== undefined });
}

/** A message about the issuer, with the fields where they are: in the spec, or in what it was taken over from. */
export function withPlaces({ inherited }: Pick<Run, 'inherited'>, message: string): string {
  if (!inherited) return message;
  const field = (name: string) => `spec.auth.oidc.${name} of ${inherited.from}`;
  return message
    .replaceAll('spec.auth.oidc.issuerURL', field('issuerURL'))
    .replaceAll('spec.auth.oidc.caRef', field('caFileRef'));
}

/** The CERTIFICATE blocks of the issuer's CA, else those that were found earlier, with what is wrong. */
function issuerCA({ ca, from }: KcpIssuer, run: Run): { pem?: string | undefined; problem?: Problem } | undefined {
  if (!ca) return undefined;
  const key = { namespace: run.frontProxy?.metadata.namespace, name: ca.name };
  const found = readCA(key, ca.key, from, run);
  if (typeof found === 'string') return { pem: found };
  const pem = earlierCA(run);
  const message = pem === undefined ? found.message : `${found.message}. The server goes on with the CA that it has`;
  return { pem, problem: { ...found, message } };
}

function readCA(key: ObjectKey, dataKey: string, from: string, run: Run): string | Problem {
  const what = `Secret ${keyOf(key)}, which spec.auth.oidc.caFileRef of ${from} names`;
  const seen = run.looks.look(run.caches.sources.Secret, key);
  switch (seen.state) {
    case 'pending':
      throw new NotYetKnownError();
    case 'absent':
      return waiting('NotFound', `${what}, not found: create it with the issuer's CA`);
    case 'forbidden': {
      const command = grantCommand({ resource: SECRET.plural, key, verbs: READ_VERBS, grantee: run.grantee });
      return forbidden(`the operator may not read ${what} for the issuer's CA`, command);
    }
    case 'present': {
      const value = seen.object.data?.[dataKey];
      if (!value)
        return waiting('KeyMissing', `${what}, has no key ${dataKey}, which must hold the issuer's CA in PEM`);
      const blocks = certificateBlocks(Buffer.from(value, 'base64').toString('latin1'));
      if (blocks.length > 0) return blocks.join('');
      return waiting(
        'InvalidCA',
        `${what}, holds no usable CERTIFICATE block in key ${dataKey}: put the issuer's CA there`,
      );
    }
  }
}

/** As it lies in our own ConfigMap, which the Pods mount. */
function earlierCA({ server, looks, caches }: Run): string | undefined {
  const key = { namespace: server.metadata.namespace, name: childNames(server.metadata.name).configMap };
  const seen = looks.look(caches.sources.ConfigMap, key);
  if (seen.state === 'pending') throw new NotYetKnownError();
  if (seen.state !== 'present' || !isOurs(server)(seen.object)) return undefined;
  return seen.object.data?.[ISSUER_CA_KEY];
}

/**
 * What kcp will object to in the tokens that the spec asks for. Nothing stops because of it: kcp may believe other issuers, too,
 * by ways that a FrontProxy doesn't show.
 */
export function disagreement(run: Run): Problem | undefined {
  const { server, caches, looks } = run;
  const { mode, oidc, upstream } = server.spec.auth;
  // In mode Kubeconfig kcp doesn't see callers' tokens.
  if (!oidc || mode !== 'OIDC' || run.inherited) return undefined;
  const key = frontProxyKeyOf(server, caches);
  if (!key) return undefined;
  const seen = looks.look(caches.frontProxies, key);
  // It is an extra: a FrontProxy that can't be read is none of its business.
  const frontProxy =
    run.frontProxy ?? (seen.state === 'present' && !server.spec.kcp.frontProxyRef ? seen.object : undefined);
  const issuer = frontProxy && issuerIfKnown(frontProxy, run);
  if (!issuer) return undefined;

  const exchange = upstream.mode === 'Exchange';
  const field = exchange ? 'spec.auth.upstream.audience' : 'spec.auth.oidc.audience';
  const audience = exchange ? upstream.audience : oidc.audience;
  const differences = [
    ...differs('spec.auth.oidc.issuerURL', oidc.issuerURL, 'spec.auth.oidc.issuerURL', issuer.issuerURL, issuer.from),
    ...differs(field, audience ?? '', 'spec.auth.oidc.clientID', issuer.clientID, issuer.from),
  ];
  if (differences.length === 0) return undefined;
  const orElse =
    server.spec.kcp.frontProxyRef && !exchange ? ', or leave out spec.auth.oidc, and it is taken over' : '';
  const cure = `kcp refuses tokens of another issuer or audience. Set it to the value of ${issuer.from}${orElse}`;
  return waiting('Mismatch', `${differences.join(', and ')}: ${cure}`);
}

function differs(field: string, value: string, theirField: string, theirs: string, from: string): string[] {
  return value === theirs ? [] : [`${field} "${value}" differs from "${theirs}", which is ${theirField} of ${from}`];
}

function issuerIfKnown(frontProxy: NonNullable<Run['frontProxy']>, run: Run): KcpIssuer | undefined {
  try {
    const answer = issuerOf(frontProxy, run);
    return 'issuer' in answer ? answer.issuer : undefined;
  } catch (error) {
    if (error instanceof NotYetKnownError) return undefined;
    throw error;
  }
}
