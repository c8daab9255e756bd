import { expect, test } from '@jest/globals';
import type { InformerPhase, KubeObject } from '../kube/index.ts';
import { FINALIZER } from './finalizer.ts';
import { pruneMinted } from './minted.ts';
import type { Run } from './run.ts';
import { newReport } from './status.ts';
import { testServer } from './testing/objects.ts';

/** Of a server that has nothing made for it any more. */
async function pruned(phase: InformerPhase, finalizers = [FINALIZER]) {
  const server = testServer();
  const report = newReport();
  const patched: unknown[] = [];
  const run = {
    server: { ...server, metadata: { ...server.metadata, finalizers } },
    ...{ report, minted: {} },
    caches: {
      kubeconfigs: { state: () => ({ phase, since: 0 }), store: { byIndex: () => [] } },
      servers: { observe: () => undefined },
    },
    client: {
      mergePatch: (_: unknown, patch: KubeObject) => {
        patched.push(patch.metadata.finalizers);
        return Promise.resolve({ ...server, metadata: patch.metadata });
      },
    },
  };
  await pruneMinted(run as unknown as Run);
  return { patched, againMs: report.againMs };
}

test.each<InformerPhase>(['synced', 'absent'])('%s: nothing is left, and the finalizer goes', async (phase) => {
  expect(await pruned(phase)).toEqual({ patched: [[]], againMs: undefined });
});

test.each<InformerPhase>(['retrying', 'forbidden'])(
  '%s: who knows whether something is left; it is looked at again, though nothing may tell when to',
  async (phase) => {
    expect(await pruned(phase)).toEqual({ patched: [], againMs: 30_000 });
    expect(await pruned(phase, [])).toEqual({ patched: [], againMs: undefined });
  },
);
