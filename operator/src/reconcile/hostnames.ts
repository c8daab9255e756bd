/**
 * Who may expose a host name. Two that expose the same one at the same place would take each other's callers, tokens
 * included, so one of them isn't exposed: who serves the name already keeps it, and of two that don't yet the older one
 * gets it. Thus nobody takes a name over by changing an old resource. Names at different places (Ingresses of different
 * classes, listeners, load balancers) are told apart by those places.
 */
import type { Reason } from '../api/conditions.ts';
import type { ParentRef, Route } from '../api/gateway-api.ts';
import type { KcpMcpServer } from '../api/kcp-mcp-server.ts';
import { keyOf, type KubeObject, type ObjectKey } from '../kube/index.ts';
import { childNames, publicHosts } from '../resources/index.ts';
import type { KindCache } from './kind-cache.ts';
import { isOurs } from './run.ts';

/** networking.k8s.io/v1 Ingress. */
export interface Ingress extends KubeObject {
  spec?: { ingressClassName?: string; rules?: { host?: string }[] };
  status?: { loadBalancer?: { ingress?: { ip?: string; hostname?: string }[] } };
}

export interface HostnameCaches {
  servers: KindCache<KcpMcpServer>;
  ingresses: KindCache<Ingress>;
  httpRoutes: KindCache<Route>;
  tlsRoutes: KindCache<Route>;
}

const REFUSED = 'HostnameTaken' satisfies Reason;

/** Name of the index of KcpMcpServers by the host names that they expose. */
export const BY_HOSTNAME = 'exposed hostname';

/** Host names that a KcpMcpServer wants to expose. */
export const exposedHostnames = (server: KcpMcpServer): string[] => [
  ...new Set(placesWanted(server).map(({ host }) => host)),
];

/** A host name at one place. */
interface Place {
  host: string;
  /** What has names of its own: `Ingress`, or a Gateway. */
  at: string;
  /** Parts of it that have names of their own; undefined: all of them. */
  parts: (string | number | undefined)[];
}

function placesWanted(server: KcpMcpServer): Place[] {
  const { ingress, gateway } = server.spec.exposure;
  if (!ingress && !gateway) return [];
  const hosts = publicHosts(server);
  return ingress
    ? placesOfIngress(hosts, ingress.className, ingress.annotations)
    : placesOfRoute(hosts, gateway?.parentRefs, server.metadata.namespace);
}

/** What was applied for this server, by what the caches hold. */
function placesHeld(server: KcpMcpServer, { ingresses, httpRoutes, tlsRoutes }: HostnameCaches): Place[] {
  if (wasRefused(server)) return [];
  const key = { namespace: server.metadata.namespace, name: childNames(server.metadata.name).workload };
  const ours = <T extends KubeObject>(object: T | undefined): T[] => (object && isOurs(server)(object) ? [object] : []);
  return [
    ...ours(ingresses.get(key)).flatMap((ingress) => {
      const { ingressClassName, annotations } = { ...ingress.spec, ...ingress.metadata };
      return placesOfIngress(hostnamesOf(ingress), ingressClassName, annotations);
    }),
    ...[httpRoutes, tlsRoutes].flatMap((cache) =>
      ours(cache.get(key)).flatMap((route) =>
        placesOfRoute(hostnamesOf(route), route.spec.parentRefs, route.metadata.namespace),
      ),
    ),
  ];
}

const hostnamesOf = ({ spec }: Ingress | Route): string[] => [
  ...(spec && 'hostnames' in spec ? (spec.hostnames ?? []) : []),
  ...(spec && 'rules' in spec ? (spec.rules ?? []).flatMap(({ host }) => host ?? []) : []),
];

function placesOfIngress(hosts: string[], className?: string, annotations?: Record<string, string>): Place[] {
  // The annotation is what there was before the field; controllers still read it, and those that read both may go by either.
  const named = [className, annotations?.['kubernetes.io/ingress.class']].filter((each) => each !== undefined);
  const classes = named.length > 0 ? named : [undefined];
  return hosts.flatMap((host) =>
    classes.map((each) => ({ host, at: 'Ingress', parts: [each === '' ? undefined : each] })),
  );
}

function placesOfRoute(hosts: string[], parentRefs: ParentRef[] = [], own?: string): Place[] {
  return parentRefs.flatMap(({ group, kind, namespace, name, sectionName, port }) => {
    const at = [group, kind, namespace ?? own, name].join('/');
    return hosts.map((host) => ({ host, at, parts: [sectionName, port] }));
  });
}

const clash = (one: Place, other: Place): boolean =>
  one.host === other.host &&
  one.at === other.at &&
  one.parts.every((part, i) => part === undefined || other.parts[i] === undefined || part === other.parts[i]);

const anyClash = (some: Place[], others: Place[]): Place | undefined =>
  some.find((one) => others.some((other) => clash(one, other)));

/** Another KcpMcpServer that has the name. */
export interface Holder {
  hostname: string;
  key: ObjectKey;
}

/** Who exposes a name of this server in its place; undefined: it may. */
export function holderOfName(server: KcpMcpServer, caches: HostnameCaches): Holder | undefined {
  const wanted = placesWanted(server);
  for (const hostname of new Set(wanted.map(({ host }) => host))) {
    for (const other of caches.servers.byIndex(BY_HOSTNAME, hostname)) {
      if (other.metadata.uid === server.metadata.uid || other.metadata.deletionTimestamp !== undefined) continue;
      const theirs = placesWanted(other);
      const contested = anyClash(wanted, theirs);
      if (!contested) continue;
      const weHold = anyClash(placesHeld(server, caches), theirs) !== undefined;
      const theyHold = anyClash(placesHeld(other, caches), wanted) !== undefined;
      if (theyHold === weHold ? goesBefore(other, server) : theyHold)
        return { hostname: contested.host, key: other.metadata };
    }
  }
  return undefined;
}

/**
 * Whoever may write Ingresses or routes can make one look like ours, but not the status: who was refused the name holds none of it,
 * and who was let have it goes before who was refused or hasn't been looked at since the spec changed.
 */
const wasRefused = ({ status }: KcpMcpServer): boolean =>
  status?.conditions?.some(({ type, reason }) => type === 'Exposed' && reason === REFUSED) ?? false;
const wasLet = (server: KcpMcpServer): boolean =>
  server.status?.observedGeneration === server.metadata.generation && !wasRefused(server);

const goesBefore = (one: KcpMcpServer, other: KcpMcpServer): boolean =>
  wasLet(one) === wasLet(other) ? isOlder(one, other) : wasLet(one);

/** By its creation, which nobody can set; of two in one second by its key. */
function isOlder(one: KcpMcpServer, other: KcpMcpServer): boolean {
  const age = ({ metadata }: KcpMcpServer): string => `${metadata.creationTimestamp ?? ''} ${keyOf(metadata)}`;
  return age(one) < age(other);
}

/** Wakes those whose name was perhaps set free, or taken. */
export function watchHostnames(caches: HostnameCaches, wake: (key: string) => void): void {
  const { servers, ingresses, httpRoutes, tlsRoutes } = caches;
  const wakeUsers = (hostnames: readonly string[]): void => {
    for (const hostname of hostnames) {
      for (const { metadata } of servers.byIndex(BY_HOSTNAME, hostname)) wake(keyOf(metadata));
    }
  };
  servers.on({
    onAdd: (server) => {
      wakeUsers(exposedHostnames(server));
    },
    onUpdate: (before, after) => {
      // Status is written often, and changes nothing here.
      const { generation, deletionTimestamp } = after.metadata;
      if (before.metadata.generation === generation && before.metadata.deletionTimestamp === deletionTimestamp) return;
      wakeUsers([...exposedHostnames(before), ...exposedHostnames(after)]);
    },
    onDelete: (server) => {
      wakeUsers(exposedHostnames(server));
    },
  });
  for (const cache of [ingresses, httpRoutes, tlsRoutes] as KindCache<Ingress | Route>[]) {
    cache.on({
      onAdd: (object) => {
        wakeUsers(hostnamesOf(object));
      },
      onUpdate: (before, after) => {
        const [old, now] = [hostnamesOf(before), hostnamesOf(after)];
        if (old.join() !== now.join()) wakeUsers([...old, ...now]);
      },
      onDelete: (object) => {
        wakeUsers(hostnamesOf(object));
      },
    });
  }
}
