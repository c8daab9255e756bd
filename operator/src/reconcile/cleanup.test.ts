import { expect, jest, test } from '@jest/globals';
import { SERVICE } from '../api/external.ts';
import { ApiError, type KubeClient, type KubeObject } from '../kube/index.ts';
import { ownerReference } from '../resources/names.ts';
import { prune, type Prunable } from './cleanup.ts';
import type { Run } from './run.ts';
import { newReport, type Report } from './status.ts';
import { testServer } from './testing/objects.ts';

const server = testServer();

const child = (change: Partial<KubeObject['metadata']> = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: {
    name: 'vespucci-mcp',
    namespace: 'kcp-mcp',
    uid: 'uid-2',
    resourceVersion: '7',
    ownerReferences: [ownerReference(server)],
    ...change,
  },
});

/** What is deleted, and what the report says, where the API server answers with `error`. */
async function pruned(
  live: KubeObject | undefined,
  { wanted = false, error }: { wanted?: boolean; error?: ApiError } = {},
): Promise<{ deleted: unknown[][]; forgotten: unknown[][]; report: Report }> {
  const remove = jest.fn<KubeClient['delete']>();
  if (error) remove.mockRejectedValue(error);
  const forget = jest.fn<Run['applier']['forget']>();
  const report = newReport();
  const run = {
    server,
    report,
    caches: { services: { get: () => live } },
    client: { delete: remove },
    applier: { forget },
  };
  const table: Prunable[] = [{ resource: SERVICE, name: 'workload', wanted: () => wanted, cause: 'Exposed' }];
  await prune(run as unknown as Run, table);
  return { deleted: remove.mock.calls, forgotten: forget.mock.calls, report };
}

const refusal = (status: number, reason: string): ApiError => new ApiError({ status, reason, message: 'no' });

test('a child that is not wanted goes, as it was seen', async () => {
  const { deleted, forgotten, report } = await pruned(child());
  const precondition = expect.objectContaining({ uid: 'uid-2', resourceVersion: '7' });
  expect(deleted).toEqual([[SERVICE, expect.objectContaining({ name: 'vespucci-mcp' }), precondition]]);
  expect(report.causes).toEqual({});
  // It may be wanted again and again, and that is nobody's contest.
  expect(forgotten).toEqual([[SERVICE, expect.objectContaining({ name: 'vespucci-mcp' })]]);
});

test.each<[string, KubeObject | undefined, boolean]>([
  ['one that is wanted', child(), true],
  ['none', undefined, false],
  ["somebody else's", child({ ownerReferences: [] }), false],
  [
    'one of a KcpMcpServer that had this name before',
    child({ ownerReferences: [{ ...ownerReference(server), uid: 'other' }] }),
    false,
  ],
  ['one that is on its way out', child({ deletionTimestamp: '2026-01-01T00:00:00Z' }), false],
])('nothing is deleted: %s', async (_, live, wanted) => {
  expect((await pruned(live, { wanted })).deleted).toEqual([]);
});

test('it became another one meanwhile: the reconcile is done again', async () => {
  await expect(pruned(child(), { error: refusal(409, 'Conflict') })).rejects.toThrow('no');
});

test('it may not be deleted: the cause says so', async () => {
  const { report } = await pruned(child(), { error: refusal(403, 'Forbidden') });
  expect(report.causes.Exposed).toMatchObject({
    status: 'False',
    message: expect.stringContaining('Service kcp-mcp/vespucci-mcp was refused'),
  });
});
