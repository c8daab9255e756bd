import { expect, test } from '@jest/globals';
import type { KcpMcpServer } from '../api/kcp-mcp-server.ts';
import { ApiError, silentLogger, type InformerPhase, type KubeClient, type KubeObject } from '../kube/index.ts';
import { mintedKubeconfig } from '../resources/minted-kubeconfig.ts';
import type { Caches } from './caches.ts';
import { RetryError } from './errors.ts';
import { createFinalize, FINALIZER } from './finalizer.ts';
import { testServer } from './testing/objects.ts';

const forbidden = new ApiError({ status: 403, reason: 'Forbidden', message: 'you may\u001b[2J not' });

function world(options: { phase?: InformerPhase; refuse?: () => ApiError | undefined; gone?: boolean } = {}) {
  const server = testServer();
  const finalizers = ['other/one', FINALIZER];
  const going: KcpMcpServer = { ...server, metadata: { ...server.metadata, finalizers, deletionTimestamp: 'now' } };
  const minted = mintedKubeconfig(server, 'kcp', { namespace: 'kcp-vespucci', name: 'vespucci' });
  const deleted: unknown[] = [];
  const patched: KubeObject['metadata'][] = [];
  const notes: string[] = [];
  const clock = { ms: 0 };
  const finalize = createFinalize({
    caches: {
      kubeconfigs: {
        state: () => ({ phase: options.phase ?? 'synced', since: 0 }),
        store: { byIndex: () => [{ ...minted, metadata: { ...minted.metadata, uid: 'u' } }] },
      },
      servers: { observe: () => undefined },
    } as unknown as Caches,
    client: {
      delete: (_: unknown, { name }: { name: string }, { uid }: { uid: string }) => {
        const error = options.refuse?.();
        if (error) return Promise.reject(error);
        deleted.push([name, uid]);
        return Promise.resolve(true);
      },
      mergePatch: (_: unknown, patch: KubeObject) => {
        if (options.gone) return Promise.reject(new ApiError({ status: 404, reason: 'NotFound', message: 'gone' }));
        patched.push(patch.metadata);
        return Promise.resolve({ ...going, metadata: patch.metadata });
      },
    } as unknown as KubeClient,
    events: { event: ({ reason, note }) => void notes.push(`${reason}: ${note}`) },
    logger: silentLogger,
    now: () => new Date(clock.ms),
  });
  return { going, deleted, patched, notes, clock, run: (it = going) => finalize(it, new AbortController().signal) };
}

test('deletes what was made, that very object, and lets go', async () => {
  const { run, deleted, patched } = world();
  await run();
  expect(deleted).toEqual([['kcp-mcp.kcp-mcp.vespucci', 'u']]);
  expect(patched).toEqual([expect.objectContaining({ resourceVersion: '1', finalizers: ['other/one'] })]);
});

test('a server that is gone by then is no fault', async () => {
  const { run, deleted, notes } = world({ gone: true });
  await run();
  expect([deleted.length, notes]).toEqual([1, []]);
});

test('has nothing to do for a server without the finalizer', async () => {
  const { run, going, deleted, patched } = world();
  await run({ ...going, metadata: { ...going.metadata, finalizers: ['other/one'] } });
  expect([deleted, patched]).toEqual([[], []]);
});

test('a kind that is gone takes its objects along', async () => {
  const { run, patched } = world({ phase: 'absent' });
  await run();
  expect(patched).toHaveLength(1);
});

test.each<[string, Parameters<typeof world>[0], string]>([
  ['may not be deleted', { refuse: () => forbidden }, 'you may [2J not'],
  ['can’t be listed', { phase: 'forbidden' }, "Kubeconfigs can't be read"],
])('what %s holds a deletion up for a minute, and is told', async (_, options, why) => {
  const { run, patched, notes, clock } = world(options);
  for (const ms of [0, 1_000, 59_000]) {
    clock.ms = ms;
    await expect(run()).rejects.toThrow(RetryError);
  }
  expect(patched).toEqual([]);
  expect(notes).toEqual([
    `CleanupFailed: cleaning up fails: ${why}${options?.phase ? ': forbidden' : ''}. It is tried for 60 s; then Kubeconfig kcp-vespucci/kcp-mcp.kcp-mcp.vespucci is left behind`,
  ]);
  clock.ms = 60_000;
  await run();
  expect(patched).toHaveLength(1);
  expect(notes[1]).toMatch(
    /^LeftBehind: .*kcp-vespucci\/kcp-mcp\.kcp-mcp\.vespucci is left behind: delete it by hand$/,
  );
});

test('what is known is deleted, though it can’t be read whether there is more', async () => {
  const { run, deleted, patched } = world({ phase: 'retrying' });
  await expect(run()).rejects.toThrow(RetryError);
  expect([deleted.length, patched.length]).toEqual([1, 0]);
});

test('what is mended within the minute is deleted', async () => {
  let error: ApiError | undefined = forbidden;
  const { run, deleted, patched, notes } = world({ refuse: () => error });
  await expect(run()).rejects.toThrow(RetryError);
  error = undefined;
  await run();
  expect([deleted.length, patched.length, notes.length]).toEqual([1, 1, 1]);
});
