import { expect, test } from '@jest/globals';
import { ApiError, silentLogger, type Applier, type KubeClient } from '../kube/index.ts';
import { CREDENTIALS_LABEL, ownerReference } from '../resources/names.ts';
import type { Caches } from './caches.ts';
import { FINALIZER } from './finalizer.ts';
import { createReconciler } from './index.ts';
import { testServer } from './testing/objects.ts';

test('what can’t be taken back from a server on its way out holds up no other cleaning', async () => {
  const server = testServer();
  server.metadata = { ...server.metadata, deletionTimestamp: '2026-03-01T12:00:00Z', finalizers: [FINALIZER] };
  const metadata = { name: 'vespucci-mcp-kubeconfig', namespace: 'kcp-mcp', uid: 'u', resourceVersion: '1' };
  const labels = { [CREDENTIALS_LABEL]: '' };
  const copy = { metadata: { ...metadata, labels, ownerReferences: [ownerReference(server)] } };
  const patched: unknown[] = [];
  const reconcile = createReconciler({
    caches: {
      servers: { get: () => server, observe: () => undefined },
      kubeconfigs: { state: () => ({ phase: 'synced' }), store: { byIndex: () => [] } },
      deployments: { get: () => undefined },
      metadataOf: () => ({ look: () => ({ state: 'present', object: copy }) }),
      release: () => undefined,
    } as unknown as Caches,
    client: {
      delete: () => Promise.reject(new ApiError({ status: 500, reason: 'InternalError', message: 'no' })),
      mergePatch: (_: unknown, patch: { metadata: object }) => {
        patched.push(patch.metadata);
        return Promise.resolve({ ...server, metadata: patch.metadata });
      },
    } as unknown as KubeClient,
    applier: { forget: () => undefined } as unknown as Applier,
    announce: { written: () => undefined, contested: () => undefined },
    events: { event: () => undefined },
    metrics: { reconciled: () => undefined },
    logger: silentLogger,
    runtimeImage: 'image',
    grantee: () => '--user=a',
  });
  await expect(reconcile('kcp-mcp/vespucci', new AbortController().signal)).rejects.toMatchObject({
    cause: { message: 'no' },
  });
  expect(patched).toEqual([expect.objectContaining({ finalizers: [] })]);
});
