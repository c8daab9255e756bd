import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { waitFor } from '../lib/wait.ts';
import { comparable, readRecordings } from './recorded.ts';
import type { Recording } from './recorded.ts';
import { startKcpForTest } from './testing.ts';
import type { KcpForTest } from './testing.ts';
import type { Workspace } from './workspace.ts';

// The admin's writes come last, so that the lists before them are as recorded.
const lasts = (recording: Recording): number =>
  recording.method === 'DELETE' ? 2 : recording.name === 'workspace-create-admin' ? 1 : 0;
const recordings = (await readRecordings()).sort((a, b) => lasts(a) - lasts(b));
let running: KcpForTest;

beforeAll(async () => {
  running = await startKcpForTest();
}, 300_000);

afterAll(() => running.stop());

/** The same request again; the admin's with the admin kubeconfig's credentials, whatever they are. */
async function replay(recording: Recording): Promise<Recording['response']> {
  const { caller, method, path, accept, requestBody } = recording;
  if (caller === 'admin') return running.admin.raw(path, { method, ...(requestBody ? { body: requestBody } : {}) });
  const response = await running.send(caller === 'bad' ? { token: 'bad' } : caller, path, {
    method,
    headers: { ...(accept ? { accept } : {}), ...(requestBody ? { 'content-type': 'application/json' } : {}) },
    ...(requestBody ? { body: JSON.stringify(requestBody) } : {}),
  });
  const contentType = response.headers.get('content-type') ?? '';
  return { status: response.status, contentType, body: await response.json() };
}

describe('kcp answers as recorded:', () => {
  test.each(recordings)('$name', async (recording) => {
    if (recording.method === 'DELETE') await scheduled(recording.path);
    const answer = await replay(recording);
    const { status, contentType } = recording.response;
    expect(answer).toMatchObject({ status, contentType });
    expect(comparable(recording, answer.body, running.kcp)).toEqual(
      comparable(recording, recording.response.body, running.kcp),
    );
  });
});

/** Waits until kcp has taken up a new Workspace, so that deleting it takes two steps. */
async function scheduled(path: string): Promise<void> {
  const [, workspace = '', rest = ''] = /^\/clusters\/([^/]+)(\/.*)$/.exec(path) ?? [];
  const taken = async (): Promise<boolean> => {
    const { metadata } = (await running.admin.request(workspace, rest)) as Workspace;
    return metadata.finalizers !== undefined;
  };
  await waitFor(`${path} to be scheduled`, taken, { deadlineMs: 30_000, intervalMs: 10 });
}
