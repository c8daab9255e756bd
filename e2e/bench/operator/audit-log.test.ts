import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { AuditLog, isWrite } from './audit-log.ts';
import type { Request } from './audit-log.ts';
import { Served } from './population.ts';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'bench-audit-'));
});
afterAll(() => rm(dir, { recursive: true }));

const line = (fields: object): string =>
  `${JSON.stringify({
    stage: 'ResponseComplete',
    verb: 'patch',
    requestURI: '/x',
    userAgent: 'a',
    objectRef: { resource: 'kcpmcpservers', subresource: 'status', namespace: 'ns', name: 'n' },
    responseStatus: { code: 200 },
    requestReceivedTimestamp: '2026-11-26T12:00:00.000250Z',
    stageTimestamp: '2026-11-26T12:00:01.500750Z',
    ...fields,
  })}\n`;

test('a log that grows is read once, whole lines only, to the microsecond', async () => {
  const file = join(dir, 'audit.jsonl');
  const [first, second] = [line({}), line({ verb: 'watch', stage: 'ResponseStarted' }) + line({ verb: 'get' })];
  await writeFile(file, first + second.slice(0, 10));
  const log = new AuditLog(file);
  const noon = Date.parse('2026-11-26T12:00:00Z');
  expect(await log.read()).toEqual([
    {
      ...{
        verb: 'patch',
        resource: 'kcpmcpservers/status',
        namespace: 'ns',
        name: 'n',
        uri: '/x',
        code: 200,
        agent: 'a',
      },
      ...{ fromMs: noon + 0.25, toMs: noon + 1500.75 },
    },
  ]);
  expect(await log.read()).toEqual([]);
  await appendFile(file, second.slice(10));
  expect((await log.read()).map(({ verb }) => verb)).toEqual(['get']);
});

const request = (fields: Partial<Request>): Request => ({
  ...{ verb: 'patch', resource: '', namespace: 'ns', name: 'server-0001', uri: '', code: 201, agent: '' },
  ...{ fromMs: 0, toMs: 0, ...fields },
});

test('a review is no write', () => {
  expect(isWrite(request({ verb: 'create', resource: 'selfsubjectreviews' }))).toBe(false);
  expect([isWrite(request({ resource: 'leases' })), isWrite(request({ verb: 'watch' }))]).toEqual([true, false]);
});

test('served is who has a status that was written after the last child', () => {
  const place = { namespace: 'ns', name: 'server-0001' };
  const served = new Served([place], new Set(['services', 'deployments']));
  const status = (fromMs: number, toMs: number): Request =>
    request({ resource: 'kcpmcpservers/status', code: 200, fromMs, toMs });
  served.take([status(1, 2), request({ resource: 'services', name: 'server-0001-mcp', fromMs: 3, toMs: 5 })]);
  served.take([request({ resource: 'deployments', name: 'server-0001-mcp', code: 409, toMs: 6 }), status(6, 7)]);
  expect(served.all).toBe(false);
  served.take([request({ resource: 'deployments', name: 'server-0001-mcp', fromMs: 7, toMs: 9 }), status(8, 10)]);
  expect(served.all).toBe(false);
  served.take([status(11, 12), status(20, 21), request({ resource: 'services', namespace: 'other', toMs: 30 })]);
  expect([...served.at]).toEqual([['ns/server-0001', 12]]);
});
