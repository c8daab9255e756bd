import { expect, test } from '@jest/globals';
import type { KcpMcpServer } from '../api/kcp-mcp-server.ts';
import { keyOf, type InformerHandlers, type InformerPhase, type KubeObject } from '../kube/index.ts';
import { mintedName } from '../resources/minted-kubeconfig.ts';
import { testServer } from './testing/objects.ts';
import { wireWakeUps, type WakingCaches } from './wake-ups.ts';

/** Caches in which nothing happens but what the test says of the Kubeconfigs. */
function world(servers: readonly KcpMcpServer[], kubeconfigs: readonly string[]) {
  const woken: string[] = [];
  const handlers: InformerHandlers<KubeObject>[] = [];
  const still = { on: () => undefined, list: () => servers };
  const children = {
    ...{ ingresses: still, httpRoutes: still, tlsRoutes: still },
    ...{ backendTLSPolicies: still, certificates: still },
  };
  const caches = {
    servers: still,
    children,
    certificateRequests: still,
    kubeconfigs: {
      on: (one: InformerHandlers<KubeObject>) => handlers.push(one),
      store: { get: (key: string) => (kubeconfigs.includes(key) ? {} : undefined) },
    },
  };
  wireWakeUps(caches as unknown as WakingCaches, (key) => woken.push(key));
  return {
    woken,
    isNow: (phase: InformerPhase) => {
      for (const each of handlers) each.onState?.({ phase, since: 0 });
    },
    answers: (phase: InformerPhase) => {
      for (const each of handlers) each.onAnswer?.({ phase, since: 0 });
    },
  };
}

const named = (name: string, kcp: object, mode = 'Caller'): KcpMcpServer => {
  const server = testServer({ spec: { kcp, inventory: { mode } } });
  return { ...server, metadata: { ...server.metadata, name } };
};
const NAMES = { kubeconfigRef: { name: 'there' } };
const indexed = named('indexed', NAMES, 'Index');
const index = `kcp-mcp/${mintedName(indexed, 'index')}`;

test('contact with Kubeconfigs that is lost and found wakes those only who miss one', () => {
  const made = named('made', { frontProxyRef: { name: 'root' } });
  const servers = [
    ...[named('has-it', NAMES), named('needs-none', { secretRef: { name: 'a' } }), indexed, made],
    named('misses-it', { kubeconfigRef: { name: 'missing' } }),
  ];
  const all = world(servers, ['kcp-mcp/there', index, keyOf({ namespace: 'kcp-mcp', name: mintedName(made, 'kcp') })]);
  for (const phase of ['retrying', 'synced'] as const) {
    all.isNow(phase);
    expect(all.woken.splice(0)).toEqual(['kcp-mcp/misses-it']);
  }

  const none = world([indexed, made], ['kcp-mcp/there']);
  none.isNow('synced');
  expect(none.woken).toEqual(['kcp-mcp/indexed', 'kcp-mcp/made']);
});

test('that Kubeconfigs are served, or forbidden, or not any more, concerns all who need one', () => {
  const { woken, answers } = world([indexed, named('needs-none', { secretRef: { name: 'a' } })], []);
  answers('forbidden');
  expect(woken).toEqual(['kcp-mcp/indexed']);
});
