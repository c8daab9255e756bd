import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { UnsecuredJWT } from 'jose';
import { startSyntheticForTest } from '../kcp/testing.ts';
import type { SyntheticForTest } from '../kcp/testing.ts';
import { orgsAndTeams } from '../kcp/tree.ts';
import { generate } from './generate.ts';
import { kcpRequest } from './messages.ts';
import { thinned } from './plan.ts';

const issuerURL = 'https://issuer.test';
const token = new UnsecuredJWT({ email: 'alice@example.com', iss: issuerURL }).setExpirationTime('5m').encode();

let kcp: SyntheticForTest;
beforeAll(async () => {
  kcp = await startSyntheticForTest(orgsAndTeams(2, 3), issuerURL);
});
afterAll(() => kcp.stop());

describe('generate', () => {
  test('sends each request as often as planned, on the connections that it opened before it counts', async () => {
    const before = { ...kcp.counts };
    const paths = ['root', 'root:org-01', 'root:org-02'];
    const result = await generate({
      origin: kcp.url,
      caFile: kcp.caFile,
      connections: 2,
      opening: kcpRequest('/clusters/root/api/v1', token),
      requests: paths.map((path) => kcpRequest(`/clusters/${path}/version`, token)),
      until: { requests: 9 },
      warmUpMs: 0,
      pid: process.pid,
    });
    expect(result).toMatchObject({ requests: 9, failures: 0 });
    expect(result.samplesUs).toHaveLength(9);
    expect(result.serverCpuMs).toBeGreaterThanOrEqual(0);
    expect(kcp.counts).toEqual({
      handshakes: before.handshakes + 2,
      requests: before.requests + 11,
      probes: before.probes + 9,
      discovery: before.discovery + 2,
    });
  });

  test('counts what is no success and tells the first', async () => {
    const result = await generate({
      origin: kcp.url,
      caFile: kcp.caFile,
      connections: 1,
      requests: [kcpRequest('/clusters/root/version', token), kcpRequest('/clusters/root:nope/version', token)],
      until: { requests: 4 },
      warmUpMs: 0,
    });
    expect(result).toMatchObject({ requests: 4, failures: 2, failure: expect.stringContaining('404') });
  });

  test('a server that is not there is an error, not a figure', async () => {
    const plan = { caFile: kcp.caFile, connections: 1, requests: [kcpRequest('/', token)], warmUpMs: 0 };
    await expect(generate({ ...plan, origin: 'https://127.0.0.1:1', until: { requests: 1 } })).rejects.toThrow();
  });
});

test('thinned keeps all of few samples, and of many every n-th', () => {
  const many = Array.from({ length: 2_500 }, (_, index) => index);
  expect(thinned([3, 1, 2])).toEqual([3, 1, 2]);
  expect(thinned(many)).toHaveLength(834);
  expect(thinned(many).slice(0, 3)).toEqual([0, 3, 6]);
});
