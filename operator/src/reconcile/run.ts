/** What the steps of one reconcile share. */
import {
  CERTIFICATE,
  CONFIG_MAP,
  DEPLOYMENT,
  NETWORK_POLICY,
  INGRESS,
  POD_DISRUPTION_BUDGET,
  SECRET,
  SERVICE,
  SERVICE_ACCOUNT,
  type KcpFrontProxy,
} from '../api/external.ts';
import { BACKEND_TLS_POLICY, HTTP_ROUTE, TLS_ROUTE } from '../api/gateway-api.ts';
import type { KcpMcpServer } from '../api/kcp-mcp-server.ts';
import type { Applier, Ensured, KubeClient, KubeObject, Observer, Resource } from '../kube/index.ts';
import type { IssuerAnswer } from '../outbound/issuer.ts';
import type { Caches } from './caches.ts';
import type { Problem } from './errors.ts';
import type { KindCache } from './kind-cache.ts';
import type { Minted } from './minted.ts';
import type { MintedUse } from '../resources/minted-kubeconfig.ts';
import type { Report } from './status.ts';
import type { Looks } from './watched-objects.ts';

export interface Run {
  /** What is asked for; completed by what is taken over from the FrontProxy (inherit.ts). */
  server: KcpMcpServer;
  /** The FrontProxy that the spec is about, if Kubeconfigs may be made for it. */
  frontProxy?: KcpFrontProxy;
  /** Kubeconfigs that the spec takes and the operator makes. */
  minted: Partial<Record<MintedUse, Minted>>;
  /** Set when the issuer is taken over, with who names it and the CERTIFICATE blocks of its CA if it has one of its own. */
  inherited?: { from: string; issuerCA?: string };
  /** When this reconcile began. */
  now: Date;
  /** What was found out so far. */
  report: Report;
  /** What was applied so far, by `KIND/NAME`: fresher than the caches. */
  applied: Map<string, Ensured<KubeObject>>;
  /** Whether there is a copy of the kubeconfig, of now or of earlier, that Pods of this spec may use. */
  copy?: 'there' | 'gone' | 'unknown';
  /** The FrontProxy takes back the identity that makes the index, so no Pods may go on with it. */
  isIndexTaken?: boolean;
  looks: Looks;
  /** What is known of the issuer, or why the operator can't ask it; undefined before it has answered. */
  issuer?: { answer: IssuerAnswer; unreadable?: never } | { unreadable: Problem; answer?: never };
  caches: Caches;
  /** The same caches, as references.ts wants them. */
  sources: Pick<Caches, 'kubeconfigs' | 'sources' | 'identities' | 'secretKeys'>;
  applier: Applier;
  client: KubeClient;
  /** `--serviceaccount=NAMESPACE:NAME` of this operator, for commands in messages. */
  grantee: string;
  /** Image of the server where the spec names none. */
  runtimeImage: string;
  signal: AbortSignal;
}

/** Whether an object's controller is this very KcpMcpServer. */
export const isOurs =
  (server: KcpMcpServer) =>
  ({ metadata }: KubeObject): boolean =>
    metadata.ownerReferences?.some(({ uid, controller }) => controller === true && uid === server.metadata.uid) ??
    false;

/**
 * Whether no reconcile of it has come to an end so far. Then it has no children, unless one was cut short, or somebody else made
 * them: that shows when they are made.
 */
export const isNew = ({ status }: KcpMcpServer): boolean => (status?.observedGeneration ?? -1) < 0;

/** What the caches hold of a child, whosever it is. */
export function liveChild({ caches, server, looks }: Run, resource: Resource, name: string): KubeObject | undefined {
  const key = { namespace: server.metadata.namespace, name };
  if (resource !== SECRET) return kindCacheOf(caches, resource).get(key);
  const secrets = caches.metadataOf(SECRET);
  if (isNew(server) && !secrets.isWatched(key)) return undefined;
  const seen = looks.look(secrets, key);
  return seen.state === 'present' ? seen.object : undefined;
}

/** The cache that is to know at once what was written. */
export function observerOf({ caches, looks }: Run, resource: Resource): Observer<KubeObject> {
  if (resource !== SECRET) return kindCacheOf(caches, resource);
  return {
    observe: (object) => {
      looks.follow(caches.metadataOf(SECRET), object);
    },
  };
}

/** The cache of a kind of children other than Secrets. */
export function kindCacheOf(
  caches: Caches,
  resource: Resource,
): Pick<KindCache<KubeObject>, 'get' | 'answered'> & Observer<KubeObject> {
  switch (resource) {
    case DEPLOYMENT:
      return caches.deployments;
    case SERVICE:
      return caches.services;
    case SERVICE_ACCOUNT:
      return caches.serviceAccounts;
    case CONFIG_MAP:
      return caches.configMaps;
    case NETWORK_POLICY:
      return caches.networkPolicies;
    case POD_DISRUPTION_BUDGET:
      return caches.podDisruptionBudgets;
    case CERTIFICATE:
      return caches.certificates;
    case INGRESS:
      return caches.ingresses;
    case HTTP_ROUTE:
      return caches.httpRoutes;
    case TLS_ROUTE:
      return caches.tlsRoutes;
    case BACKEND_TLS_POLICY:
      return caches.backendTLSPolicies;
    default:
      throw new Error(`no cache for ${resource.plural}`);
  }
}

/** A child as this reconcile left it, if it is ours. */
export function ownChild(run: Run, resource: Resource, name: string): KubeObject | undefined {
  const object = run.applied.get(`${resource.kind}/${name}`)?.object ?? liveChild(run, resource, name);
  return object && isOurs(run.server)(object) ? object : undefined;
}
