/**
 * The operator's local copies of everything that a reconcile reads; whom a change of them wakes is in wake-ups.ts. Secrets are watched one by one, and only those that a KcpMcpServer refers to: the default install may not
 * list them.
 */
import {
  CERTIFICATE,
  CERTIFICATE_REQUEST,
  CONFIG_MAP,
  DEPLOYMENT,
  FRONT_PROXY,
  INGRESS,
  KUBECONFIG,
  NETWORK_POLICY,
  POD_DISRUPTION_BUDGET,
  ROOT_SHARD,
  SECRET,
  SERVICE,
  SERVICE_ACCOUNT,
  type CertManagerCertificate,
  type KcpFrontProxy,
  type KcpKubeconfig,
  type KcpRootShard,
} from '../api/external.ts';
import { BACKEND_TLS_POLICY, HTTP_ROUTE, TLS_ROUTE, type BackendTLSPolicy, type Route } from '../api/gateway-api.ts';
import { KCP_MCP_SERVER, type KcpMcpServer } from '../api/kcp-mcp-server.ts';
import {
  createInformer,
  parseKey,
  Turns,
  WATCHES_AT_ONCE,
  type Clock,
  type InformerOptions,
  type KubeClient,
  type KubeObject,
  type Logger,
  type Resource,
} from '../kube/index.ts';
import { serverOfMinted } from '../resources/minted-kubeconfig.ts';
import { SERVER_LABEL } from '../resources/names.ts';
import { createAutoscalers } from './autoscalers.ts';
import type { CheckIssuer } from '../outbound/issuer.ts';
import type { ProbeKcp } from '../outbound/kcp.ts';
import { createCertificateRequests } from './certificate-requests.ts';
import { createIssuers } from './issuer.ts';
import { watchCRD } from './crd-watch.ts';
import { firstLists } from './first-lists.ts';
import { BY_HOSTNAME, exposedHostnames, type Ingress } from './hostnames.ts';
import { createKcps } from './kcp.ts';
import { KindCache } from './kind-cache.ts';
import type { Deployment, DataObject, Service } from './objects.ts';
import { ownersOf } from './owners.ts';
import { createPods } from './pod-trouble.ts';
import { SharedObjects } from './shared-objects.ts';
import { keysOnly, noCredentials, noKey, slim, slimChild, slimDeployment, slimForeign, slimServer } from './slim.ts';
import { BY_KUBECONFIG, kubeconfigKeysOf, wireWakeUps } from './wake-ups.ts';
import { WatchedObjects, type Looks } from './watched-objects.ts';

export interface CachesOptions {
  client: KubeClient;
  /** Namespaces whose KcpMcpServers are served; empty: all. */
  namespaces: readonly string[];
  /**
   * Called with the key of a KcpMcpServer that something happened to.
   *
   * @param version the resourceVersion of the object that was written, where it was one that the operator writes itself
   */
  wake: (key: string, version?: string) => void;
  checkIssuer: CheckIssuer;
  probeKcp: ProbeKcp;
  logger?: Logger;
  /** Timings of all informers; tests shorten them. */
  timings?: InformerOptions<KubeObject>['timings'];
  clock?: Clock;
}

export type Caches = ReturnType<typeof createCaches>;

/** Nothing is asked of the API server before `start()`. */
export function createCaches({
  client,
  namespaces,
  wake,
  checkIssuer,
  probeKcp,
  logger,
  timings,
  clock,
}: CachesOptions) {
  const common = { client, ...(logger && { logger }), ...(timings && { timings }), ...(clock && { clock }) };
  const child = <T extends KubeObject>(
    resource: Resource,
    metadataOnly = false,
    transform: (object: T) => T = slimChild,
  ): KindCache<T> =>
    new KindCache<T>(namespaces, { ...common, resource, metadataOnly, labelSelector: SERVER_LABEL, transform });

  const servers = new KindCache<KcpMcpServer>(namespaces, {
    ...common,
    resource: KCP_MCP_SERVER,
    transform: slimServer,
    indexers: { [BY_KUBECONFIG]: kubeconfigKeysOf, [BY_HOSTNAME]: exposedHostnames },
  });
  const children = {
    deployments: child<Deployment>(DEPLOYMENT, false, slimDeployment),
    services: child<Service>(SERVICE),
    serviceAccounts: child(SERVICE_ACCOUNT, true),
    configMaps: child(CONFIG_MAP, true),
    certificates: child<CertManagerCertificate>(CERTIFICATE),
    networkPolicies: child(NETWORK_POLICY, true),
    podDisruptionBudgets: child(POD_DISRUPTION_BUDGET, true),
    ingresses: child<Ingress>(INGRESS),
    httpRoutes: child<Route>(HTTP_ROUTE),
    tlsRoutes: child<Route>(TLS_ROUTE),
    backendTLSPolicies: child<BackendTLSPolicy>(BACKEND_TLS_POLICY),
  };
  const autoscalers = createAutoscalers(namespaces, common, (deployment) => {
    for (const owner of ownersOf(children.deployments.get(parseKey(deployment)))) wake(owner);
  });
  const certificateRequests = createCertificateRequests(namespaces, common);
  const pods = createPods(namespaces, common, wake);
  /** They may be forbidden: then messages say less. */
  const byTheWay = [autoscalers, certificateRequests, pods];
  const kubeconfigs = createInformer<KcpKubeconfig>({
    ...common,
    resource: KUBECONFIG,
    transform: slim,
    indexers: { server: (kubeconfig) => [serverOfMinted(kubeconfig) ?? []].flat() },
  });
  /** kcp-operator's own objects; few, and any of them may say what a server's issuer is. */
  const shared = {
    frontProxies: new SharedObjects<KcpFrontProxy>({ ...common, resource: FRONT_PROXY, transform: slim }, wake),
    rootShards: new SharedObjects<KcpRootShard>({ ...common, resource: ROOT_SHARD, transform: slim }, wake),
  };
  const everywhere = [kubeconfigs, ...Object.values(shared)];
  /** Secrets and ConfigMaps whose content is read; of kubeconfigs without credentials. */
  const sources = {
    Secret: new WatchedObjects<DataObject>({ ...common, resource: SECRET, transform: noCredentials }, wake),
    ConfigMap: new WatchedObjects<DataObject>({ ...common, resource: CONFIG_MAP, transform: slimForeign }, wake),
  };
  /** Secrets with kubeconfigs whose credentials are copied. */
  const identities = new WatchedObjects<DataObject>({ ...common, resource: SECRET, transform: slimForeign }, wake);
  /** Secrets that the Pods mount: which keys they have, without what is in them. */
  const secretKeys = new WatchedObjects<DataObject>({ ...common, resource: SECRET, transform: keysOnly }, wake);
  /** Secrets with certificates that somebody else keeps: the certificates, and whether there is a key. */
  const certificateSecrets = new WatchedObjects<DataObject>({ ...common, resource: SECRET, transform: noKey }, wake);
  /** Objects of which only the metadata is read: copies of ours, and what stands in the way. By plural. */
  const single = new Map<string, WatchedObjects<KubeObject>>();
  /** The copies' watches wait while KcpMcpServers do. */
  const turns = new Turns(WATCHES_AT_ONCE, clock);
  const metadataOf = (resource: Resource): WatchedObjects<KubeObject> => {
    const id = `${resource.plural}.${resource.group}`;
    const objects =
      single.get(id) ??
      new WatchedObjects({ ...common, resource, metadataOnly: true, transform: slimChild, turns }, wake);
    single.set(id, objects);
    return objects;
  };
  const issuers = createIssuers(checkIssuer, wake, common);
  const kcps = createKcps(probeKcp, wake, common);
  const watchedObjects = () => [
    ...[sources.Secret, sources.ConfigMap, identities, secretKeys, certificateSecrets, ...single.values()],
    ...Object.values(shared),
  ];

  wireWakeUps({ servers, children, certificateRequests, kubeconfigs }, wake);

  // A kind that isn't served is asked for now and then; a look at its CRD tells at once when it comes.
  const crds = [
    watchCRD(common, KCP_MCP_SERVER, servers),
    watchCRD(common, KUBECONFIG, kubeconfigs),
    ...Object.values(shared).map((objects) => watchCRD(common, objects.resource, objects)),
    watchCRD(common, CERTIFICATE, children.certificates),
    watchCRD(common, CERTIFICATE_REQUEST, certificateRequests),
    watchCRD(common, HTTP_ROUTE, children.httpRoutes),
    watchCRD(common, TLS_ROUTE, children.tlsRoutes),
    watchCRD(common, BACKEND_TLS_POLICY, children.backendTLSPolicies),
  ];
  const kinds: KindCache<KubeObject>[] = [servers, ...Object.values(children)] as KindCache<KubeObject>[];

  return {
    servers,
    ...children,
    autoscalers,
    kubeconfigs,
    ...shared,
    sources,
    identities,
    secretKeys,
    certificateSecrets,
    certificateRequests,
    pods,
    metadataOf,
    issuers,
    kcps,

    start(): void {
      for (const kind of [...kinds, ...byTheWay]) kind.start();
      for (const informer of [...everywhere, ...crds]) informer.start();
    },

    /** Resolves when work can begin: see {@link firstLists}. */
    async settled(signal?: AbortSignal): Promise<void> {
      const { certificates, httpRoutes, tlsRoutes, backendTLSPolicies, ...builtIn } = children;
      const ours = [servers, ...Object.values(builtIn), autoscalers, pods];
      const routes = [httpRoutes, tlsRoutes, backendTLSPolicies];
      await firstLists({ ours, others: [...everywhere, certificates, certificateRequests, ...routes] }, clock, signal);
    },

    /** What hasn't been listed yet, one text each; empty: work can begin. */
    notReady(): string[] {
      const missing = kinds.filter((kind) => !kind.isSettled()).map((kind) => kind.plural);
      // They may be forbidden to an operator that serves secretRefs only: that is a condition, not a reason to wait.
      const starting = everywhere.filter((objects) => objects.state().phase === 'starting');
      missing.push(...starting.map(({ resource }) => resource.plural));
      return missing.map((plural) => `${plural} to be listed`);
    },

    /** Single objects, issuers and kcps that `user` referred to earlier are let go, but for those of `keep`: all when it is left out. */
    release(user: string, keep?: Looks): void {
      for (const objects of watchedObjects()) objects.release(user, keep?.heldIn(objects));
      issuers.release(user, keep?.heldIn(issuers));
      kcps.release(user, keep?.heldIn(kcps));
    },

    /** Whether KcpMcpServers wait to be reconciled: what can wait, does. */
    setBusy(isBusy: boolean): void {
      turns.setBusy(isBusy);
    },

    /** Something was not as it is known: what isn't watched yet may tell. */
    hurry(): void {
      turns.hurry();
    },

    /** All that anybody referred to is let go. */
    releaseAll(): void {
      for (const objects of watchedObjects()) objects.releaseAll();
      issuers.stop();
      kcps.stop();
    },

    async stop(): Promise<void> {
      issuers.stop();
      kcps.stop();
      await Promise.all([...kinds, ...byTheWay, kubeconfigs, ...crds, ...watchedObjects()].map((item) => item.stop()));
    },
  };
}
