/**
 * What a KcpMcpServer refers to: the kubeconfig that says where kcp is, the CA of the issuer, and the secret of the client that
 * exchanges tokens. Reads only what is watched already; whatever is missing is a condition, and its watch brings us back.
 */
import {
  CONFIG_MAP,
  KUBECONFIG,
  KUBECONFIG_SECRET_KEY,
  SECRET,
  crdNameOf,
  type KcpKubeconfig,
} from '../api/external.ts';
import type { KcpMcpServer, KcpMcpServerStatus } from '../api/kcp-mcp-server.ts';
import { keyOf, type InformerState, type ObjectKey, type Store } from '../kube/index.ts';
import { copyKubeconfig, KubeconfigError, type KubeconfigCopy } from '../resources/index.ts';
import { certificateBlocks } from '../resources/pem.ts';
import { consentProblem } from './consent.ts';
import { holdsCredentials, wantsCredentials } from './credentials.ts';
import { forbidden, waiting, type Problem } from './errors.ts';
import { grantCommand, READ_VERBS } from './grant.ts';
import type { DataObject } from './objects.ts';
import type { Run } from './run.ts';
import { oneLine } from './text.ts';
import type { Looks, Watchable } from './watched-objects.ts';

/** Where references are looked up. */
export interface ReferenceSources {
  kubeconfigs: { state(): InformerState; store: Pick<Store<KcpKubeconfig>, 'get'> };
  sources: Record<'Secret' | 'ConfigMap', Watchable<DataObject>>;
  /** Secrets with kubeconfigs, credentials included. */
  identities: Watchable<DataObject>;
  /** Secrets without their values. */
  secretKeys: Watchable<DataObject>;
}

/** An answer that hasn't come yet: nothing can be said, and nothing is written. The watch wakes us when it comes. */
export class NotYetKnownError extends Error {
  override readonly name = 'NotYetKnownError';
}

export type Source = NonNullable<KcpMcpServerStatus['kubeconfig']>['source'];

export type Resolved = { source: Source } & (
  { copy: KubeconfigCopy; secret: ObjectKey; problem?: never; withheld?: never } | ({ copy?: never } & Failed)
);

export interface ResolveContext {
  sources: ReferenceSources;
  looks: Looks;
  /** `--serviceaccount=NAMESPACE:NAME` of this operator, for the commands in messages. */
  grantee: string;
  /** Kubeconfigs that the operator made. */
  minted: Run['minted'];
}

/**
 * Reads the kubeconfig that `spec.kcp` names.
 * @throws NotYetKnownError while the API server hasn't answered
 */
export function resolveKubeconfig(server: KcpMcpServer, context: ResolveContext): Resolved {
  const { kubeconfigRef, frontProxyRef, secretRef } = server.spec.kcp;
  const namespace = server.metadata.namespace ?? 'default';
  if (kubeconfigRef) {
    const key = { namespace: kubeconfigRef.namespace ?? namespace, name: kubeconfigRef.name };
    return { source: { kind: 'Kubeconfig', ...key }, ...readKubeconfig(key, server, context) };
  }
  if (frontProxyRef) {
    const { namespace: where = namespace, name } = frontProxyRef;
    const source: Source = { kind: 'FrontProxy', namespace: where, name };
    const { kcp } = context.minted;
    if (!kcp) throw new Error('no Kubeconfig was made for spec.kcp.frontProxyRef');
    return { source, ...(kcp.problem ? { problem: kcp.problem } : readKubeconfig(kcp.key, server, context)) };
  }
  if (secretRef) {
    const secret = { namespace, name: secretRef.name };
    const wanted = { credentials: wantsCredentials(server) };
    const missing = `Secret ${keyOf(secret)} not found: create it, or correct spec.kcp.secretRef`;
    return { source: { kind: 'Secret', ...secret }, ...readSecret(secret, secretRef.key, missing, wanted, context) };
  }
  throw new Error('spec.kcp names no kubeconfig');
}

type Read = { copy: KubeconfigCopy; secret: ObjectKey; problem?: never } | Failed;

/**
 * The identity in a Kubeconfig that the operator made, with its credentials.
 * @throws NotYetKnownError while the API server hasn't answered
 */
export const readIdentity = (key: ObjectKey, server: KcpMcpServer, context: ResolveContext): Read =>
  readKubeconfig(key, server, context, { credentials: true });

/** What kcp-operator wrote for a Kubeconfig. */
function readKubeconfig(
  key: ObjectKey,
  server: KcpMcpServer,
  context: ResolveContext,
  wanted = { credentials: wantsCredentials(server) },
): Read {
  const secretName = secretOfKubeconfig(key, server, context);
  if (typeof secretName !== 'string') return secretName;
  const secret = { namespace: key.namespace, name: secretName };
  const what = `Secret ${keyOf(secret)}, which kcp-operator writes for Kubeconfig ${keyOf(key)}, not found`;
  const missing = `${what}: see the status of that Kubeconfig, and kcp-operator's log`;
  return readSecret(secret, KUBECONFIG_SECRET_KEY, missing, wanted, context);
}

/** RFC 1123 subdomain. */
export const OBJECT_NAME = /^(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

/** Name of the Secret of a Kubeconfig that is ready, or why there is none. */
function secretOfKubeconfig(key: ObjectKey, server: KcpMcpServer, { sources }: ResolveContext): string | Failed {
  const lends = wantsCredentials(server);
  const { phase, message } = sources.kubeconfigs.state();
  if (phase === 'starting') throw new NotYetKnownError();
  if (phase === 'absent') {
    return failed(
      'KindNotInstalled',
      `the cluster has no ${crdNameOf(KUBECONFIG)}: install kcp-operator, or name a Secret in spec.kcp.secretRef`,
    );
  }
  const kubeconfig = sources.kubeconfigs.store.get(key);
  if (!kubeconfig) {
    if (phase === 'forbidden') return failed('Forbidden', `Kubeconfigs can't be read: ${oneLine(message)}`);
    if (phase === 'retrying') throw new NotYetKnownError();
    // It took its consent with it.
    const problem = `Kubeconfig ${keyOf(key)} not found: create it, or correct spec.kcp.kubeconfigRef`;
    return { ...failed('NotFound', problem), withheld: lends };
  }
  const refused = lends ? consentProblem(KUBECONFIG, kubeconfig, server, 'copy its credentials') : undefined;
  if (refused) return { problem: refused, withheld: true };
  const { status, spec } = kubeconfig;
  if (status?.phase !== 'Ready') {
    const cause = status?.conditions?.find((condition) => condition.status === 'False');
    const why = cause ? ` (${oneLine(`${cause.reason ?? cause.type}: ${cause.message ?? ''}`)})` : '';
    const at = status?.phase === undefined ? 'not been seen by kcp-operator yet' : `phase ${oneLine(status.phase, 64)}`;
    const text = `Kubeconfig ${keyOf(key)} is not ready: it has ${at}${why}. See its status and kcp-operator's log`;
    return { ...failed('SourceNotReady', text), progressing: status?.phase !== 'Failed' };
  }
  if (!spec.secretRef.name)
    return failed('SourceNotReady', `Kubeconfig ${keyOf(key)} names no Secret in spec.secretRef`);
  // Not checked by kcp-operator's CRD, and it goes into commands that people run.
  if (!OBJECT_NAME.test(spec.secretRef.name))
    return failed('SourceNotReady', `Kubeconfig ${keyOf(key)} names a Secret in spec.secretRef that can't exist`);
  return spec.secretRef.name;
}

interface Failed {
  problem: Problem;
  progressing?: boolean;
  /** Mode Kubeconfig: nobody consents to a copy of the credentials, or no longer, so one of earlier may not be used. */
  withheld?: boolean;
}

const failed = (...problem: Parameters<typeof waiting>): Failed => ({ problem: waiting(...problem) });

function readSecret(
  secret: ObjectKey,
  dataKey: string,
  missing: string,
  wanted: { credentials: boolean },
  { sources, looks, grantee }: ResolveContext,
): Read {
  const seen = looks.look(wanted.credentials ? sources.identities : sources.sources.Secret, secret);
  if (seen.state === 'pending') throw new NotYetKnownError();
  if (seen.state === 'absent') return failed('NotFound', missing);
  if (seen.state === 'forbidden') {
    const command = grantCommand({ resource: SECRET.plural, key: secret, verbs: READ_VERBS, grantee });
    return { problem: forbidden(`the operator may not read Secret ${keyOf(secret)}`, command) };
  }
  if (wanted.credentials && holdsCredentials(seen.object)) {
    const why =
      'holds credentials that the operator copied for a KcpMcpServer, and a copy of a copy could not be taken back';
    const problem = `Secret ${keyOf(secret)} ${why}: name in spec.kcp what they were copied from`;
    return { ...failed('NotPermitted', problem), withheld: true };
  }
  const data = seen.object.data?.[dataKey];
  if (!data) return failed('KeyMissing', `Secret ${keyOf(secret)} has no key ${dataKey}, which must hold a kubeconfig`);
  try {
    return { copy: copyOf(seen.object, dataKey, wanted.credentials), secret };
  } catch (error) {
    if (!(error instanceof KubeconfigError)) throw error;
    return failed('InvalidKubeconfig', `Secret ${keyOf(secret)}, key ${dataKey}: ${oneLine(error.message)}`);
  }
}

/** What was read in each version of a Secret: a thousand KcpMcpServers may share it. */
const copies = new WeakMap<DataObject, Map<string, KubeconfigCopy>>();

/** @throws KubeconfigError */
function copyOf(secret: DataObject, dataKey: string, credentials: boolean): KubeconfigCopy {
  const known = copies.get(secret) ?? new Map<string, KubeconfigCopy>();
  copies.set(secret, known);
  const id = `${credentials} ${dataKey}`;
  const text = (): string => Buffer.from(secret.data?.[dataKey] ?? '', 'base64').toString('utf8');
  const copy = known.get(id) ?? copyKubeconfig(text(), { credentials });
  known.set(id, copy);
  return copy;
}

/** The CA that the issuer's certificate is checked against. */
export type IssuerCA =
  | { problem: Problem }
  /** PEM, CERTIFICATE blocks only; undefined: the well-known CAs. */
  | { pem: string | undefined; problem?: never }
  /** The Pods mount the object themselves, so a Secret that the operator may not read is left to them. */
  | { unreadable: Problem; problem?: never };

/**
 * Reads the CA that `spec.auth.oidc.caRef` names.
 * @throws NotYetKnownError while the API server hasn't answered
 */
export function resolveIssuerCA(server: KcpMcpServer, { sources, looks, grantee }: ResolveContext): IssuerCA {
  const ref = server.spec.auth.oidc?.caRef;
  if (!ref) return { pem: undefined };
  const { kind, plural } = ref.kind === 'Secret' ? SECRET : CONFIG_MAP;
  const key = { namespace: server.metadata.namespace, name: ref.name };
  const seen = looks.look(sources.sources[ref.kind], key);
  const what = `${kind} ${keyOf(key)}`;
  if (seen.state === 'pending') throw new NotYetKnownError();
  if (seen.state === 'forbidden') {
    const command = grantCommand({ resource: plural, key, verbs: READ_VERBS, grantee });
    return { unreadable: forbidden(`the operator may not read ${what}, which spec.auth.oidc.caRef names`, command) };
  }
  if (seen.state === 'absent') {
    const message = `${what} not found: create it with the issuer's CA, or correct spec.auth.oidc.caRef`;
    return { problem: waiting('NotFound', message) };
  }
  const value = seen.object.data?.[ref.key];
  if (!value) {
    const message = `${what} has no key ${ref.key}, which must hold the issuer's CA in PEM`;
    return { problem: waiting('KeyMissing', message) };
  }
  const blocks = certificateBlocks(ref.kind === 'Secret' ? Buffer.from(value, 'base64').toString('latin1') : value);
  if (blocks.length > 0) return { pem: blocks.join('') };
  const message = `${what}, key ${ref.key}, holds no CERTIFICATE block that can be read: put the issuer's CA there in PEM`;
  return { problem: waiting('InvalidCA', message) };
}

/**
 * Checks that `spec.auth.upstream.clientSecretRef` names a Secret with that key. As with the CA it is the Pods that need it: a Secret
 * that the operator may not read is left to them, and of one that it may only the names of the keys are kept.
 * @throws NotYetKnownError while the API server hasn't answered
 */
export function checkClientSecret(server: KcpMcpServer, { sources, looks }: ResolveContext): Problem | undefined {
  const { clientSecretRef: ref, clientID } = server.spec.auth.upstream;
  if (!ref) return undefined;
  const key = { namespace: server.metadata.namespace, name: ref.name };
  const seen = looks.look(sources.secretKeys, key);
  if (seen.state === 'pending') throw new NotYetKnownError();
  if (seen.state === 'forbidden') return undefined;
  const holds = `the secret of client ${oneLine(clientID, 128)}`;
  if (seen.state === 'absent') {
    const cure = `create it with ${holds} in key ${ref.key}, or correct spec.auth.upstream.clientSecretRef`;
    return waiting('NotFound', `Secret ${keyOf(key)} not found: ${cure}`);
  }
  if (seen.object.data?.[ref.key]) return undefined;
  return waiting('KeyMissing', `Secret ${keyOf(key)} has no key ${ref.key}, which must hold ${holds}`);
}
