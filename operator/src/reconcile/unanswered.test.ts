import { expect, test } from '@jest/globals';
import type { KcpMcpServer } from '../api/kcp-mcp-server.ts';
import { SECRET } from '../api/external.ts';
import { silentLogger, type Applier, type InformerPhase, type KubeClient } from '../kube/index.ts';
import type { Caches } from './caches.ts';
import { createReconciler } from './index.ts';
import { NOW, testServer } from './testing/objects.ts';

/** One KcpMcpServer, about whose Secrets nothing is known, and about Kubeconfigs so much. */
function world(kubeconfigs: InformerPhase) {
  const kcp = kubeconfigs === 'synced' ? { secretRef: { name: 'kubeconfig' } } : testServer().spec.kcp;
  const server = testServer({ spec: { kcp } });
  const written: KcpMcpServer[] = [];
  let ms = NOW.getTime();
  const secrets = { resource: SECRET, look: () => ({ state: 'pending' }) };
  const reconcile = createReconciler({
    caches: {
      servers: { get: () => server, observe: () => undefined },
      kubeconfigs: { state: () => ({ phase: kubeconfigs }), store: { get: () => undefined, byIndex: () => [] } },
      metadataOf: () => ({ look: () => ({ state: 'absent' }) }),
      sources: { Secret: secrets },
      identities: secrets,
      release: () => undefined,
    } as unknown as Caches,
    client: {} as KubeClient,
    applier: {
      ensureStatus: (_: unknown, desired: KcpMcpServer) => {
        written.push(desired);
        return Promise.resolve({ action: 'unchanged', object: desired });
      },
    } as unknown as Applier,
    announce: { written: () => undefined, contested: () => undefined },
    events: { event: () => undefined },
    metrics: { reconciled: () => undefined },
    logger: silentLogger,
    runtimeImage: 'image',
    grantee: () => '--user=a',
    now: () => new Date(ms),
  });
  return {
    reconcile: () => reconcile('kcp-mcp/vespucci', new AbortController().signal),
    pass: (time: number) => (ms += time),
    said: () => written.map(({ status }) => status?.conditions?.find(({ type }) => type === 'Ready')?.message),
  };
}

test.each<[string, InformerPhase]>([
  ['Secret kcp-mcp/kubeconfig', 'synced'],
  ['Kubeconfigs', 'retrying'],
])('no answer about %s is told after half a minute, and asked for again', async (what, phase) => {
  const it = world(phase);
  expect(await it.reconcile()).toEqual({ afterMs: 30_000 });
  it.pass(10_000);
  expect(await it.reconcile()).toEqual({ afterMs: 20_000 });
  expect(it.said()).toEqual([]);
  it.pass(20_000);
  expect(await it.reconcile()).toEqual({ afterMs: 30_000 });
  expect(it.said()).toEqual([expect.stringContaining(`no answer about ${what}, and`)]);
});
