/** The FrontProxy that a KcpMcpServer is about, and whom it believes: itself, or its root shard for it. */
import { FRONT_PROXY, ROOT_SHARD, crdNameOf, type KcpAuth, type KcpFrontProxy } from '../api/external.ts';
import type { KcpMcpServer } from '../api/kcp-mcp-server.ts';
import { keyOf, type KubeObject, type ObjectKey } from '../kube/index.ts';
import { waiting, type Problem } from './errors.ts';
import { NotYetKnownError, OBJECT_NAME } from './references.ts';
import type { Run } from './run.ts';
import type { SharedObjects } from './shared-objects.ts';
import { oneLine } from './text.ts';

/** The issuer that kcp believes, and the client id that it takes for the audience. */
export interface KcpIssuer {
  issuerURL: string;
  clientID: string;
  /** Secret, in the namespace of the FrontProxy, with the issuer's CA. */
  ca?: { name: string; key: string };
  /** Which object says so: `FrontProxy ns/name`. */
  from: string;
}

/** Key of the FrontProxy that `spec.kcp` is about: named by it, or target of the Kubeconfig that is. */
export function frontProxyKeyOf({ spec, metadata }: KcpMcpServer, caches: Run['caches']): ObjectKey | undefined {
  const { frontProxyRef, kubeconfigRef } = spec.kcp;
  const namespace = (frontProxyRef ?? kubeconfigRef)?.namespace ?? metadata.namespace ?? 'default';
  if (frontProxyRef) return { namespace, name: frontProxyRef.name };
  const kubeconfig = kubeconfigRef && caches.kubeconfigs.store.get({ namespace, name: kubeconfigRef.name });
  const name = kubeconfig?.spec.target?.frontProxyRef?.name;
  return name ? { namespace, name } : undefined;
}

/**
 * The FrontProxy itself.
 * @throws NotYetKnownError while the API server hasn't answered
 */
export function findFrontProxy(key: ObjectKey, run: Run): { found: KcpFrontProxy } | { problem: Problem } {
  return find(run.caches.frontProxies, FRONT_PROXY, key, 'create it, or correct spec.kcp', run);
}

function find<T extends KubeObject>(
  objects: SharedObjects<T>,
  resource: typeof FRONT_PROXY,
  key: ObjectKey,
  cure: string,
  { looks }: Run,
): { found: T } | { problem: Problem } {
  const { kind } = resource;
  const seen = looks.look(objects, key);
  if (seen.state === 'pending') throw new NotYetKnownError();
  if (seen.state === 'present') return { found: seen.object };
  if (seen.state === 'forbidden') return { problem: waiting('Forbidden', `${kind}s can't be read: ${seen.message}`) };
  if (objects.answered().phase !== 'absent') {
    return { problem: waiting('NotFound', `${kind} ${keyOf(key)} not found: ${cure}`) };
  }
  const message = `the cluster has no ${crdNameOf(resource)}: install kcp-operator, or name a Secret in spec.kcp.secretRef`;
  return { problem: waiting('KindNotInstalled', message) };
}

/**
 * Whose tokens kcp takes behind this FrontProxy: its own `auth.oidc`, else that of its root shard, which gets the tokens that it
 * doesn't know.
 * @throws NotYetKnownError while the API server hasn't answered
 */
export function issuerOf(frontProxy: KcpFrontProxy, run: Run): { issuer: KcpIssuer } | { problem: Problem } {
  const { namespace } = frontProxy.metadata;
  const from = `FrontProxy ${keyOf(frontProxy.metadata)}`;
  if (frontProxy.spec.auth?.oidc) return checked(frontProxy.spec.auth.oidc, from);
  const name = frontProxy.spec.rootShard?.ref?.name;
  if (!name) return { problem: nothing(`${from} has no spec.auth.oidc, and names no RootShard`) };
  const shard = find(
    run.caches.rootShards,
    ROOT_SHARD,
    { namespace, name: oneLine(name, 253) },
    `${from} names it`,
    run,
  );
  if ('problem' in shard) return shard;
  const { auth } = shard.found.spec;
  const other = `RootShard ${keyOf(shard.found.metadata)}`;
  if (auth?.oidc) return checked(auth.oidc, other);
  const instead = [...otherWays(frontProxy.spec.auth, from), ...otherWays(auth, other)].join(' and ');
  const neither = `neither ${from} nor its ${other} has spec.auth.oidc`;
  return { problem: nothing(instead === '' ? neither : `${neither} (but ${instead})`) };
}

function otherWays(auth: KcpAuth | undefined, from: string): string[] {
  const ways = (['webhook', 'tokenAuthFile'] as const).filter((way) => auth?.[way]);
  return ways.map((way) => `spec.auth.${way} in ${from}`);
}

/** Whoever writes those objects needn't follow our schema: what it would refuse is refused here. */
const URL_LIKE = /^https:\/\/[^/?#@]+(\/[^?#]*)?$/;
const PRINTABLE = /^[!-~]+$/;
const CLIENT_ID = /^[ -~]{1,512}$/;
const DATA_KEY = /^[-._a-zA-Z0-9]{1,253}$/;

function checked(oidc: NonNullable<KcpAuth['oidc']>, from: string): { issuer: KcpIssuer } | { problem: Problem } {
  const { issuerURL = '', clientID = '', caFileRef } = oidc;
  const wrong = (field: string, value: string, wanted: string) => ({
    problem: nothing(`spec.auth.oidc.${field} of ${from} is "${oneLine(value, 256)}", which is not ${wanted}`),
  });
  const isURL = URL_LIKE.test(issuerURL) && PRINTABLE.test(issuerURL) && URL.canParse(issuerURL);
  if (!isURL || issuerURL.length > 2048) return wrong('issuerURL', issuerURL, 'an https URL without user and query');
  if (!CLIENT_ID.test(clientID)) return wrong('clientID', clientID, 'a client id (RFC 6749)');
  if (!caFileRef) return { issuer: { issuerURL, clientID, from } };
  const { name = '', key = '' } = caFileRef;
  if (!OBJECT_NAME.test(name)) return wrong('caFileRef.name', name, 'the name of a Secret');
  if (key !== '' && !DATA_KEY.test(key)) return wrong('caFileRef.key', key, 'the key of a Secret');
  return { issuer: { issuerURL, clientID, ca: { name, key: key || 'ca.crt' }, from } };
}

const nothing = (why: string): Problem =>
  waiting('NotInherited', `issuer and client id can't be taken over: ${why}. Set spec.auth.oidc`);
