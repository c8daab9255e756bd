import { afterEach, describe, expect, test } from '@jest/globals';
import { startHealthServer, type HealthServer } from './health.ts';
import { createMetrics } from './metrics.ts';

let server: HealthServer | undefined;
afterEach(() => server?.close());

const start = async (state: { notReady: string[]; dead?: string }): Promise<(path: string) => Promise<Response>> => {
  const metrics = createMetrics({
    queueDepth: () => 3,
    isLeader: () => true,
    resourcesByReady: () => ({ True: 2, False: 1, Unknown: 0 }),
  });
  metrics.reconciled('waiting', 0.02);
  metrics.apiRequest('PATCH', 409);
  const sources = { notReady: () => state.notReady, dead: () => state.dead, metrics };
  server = await startHealthServer({ host: '127.0.0.1', port: 0 }, sources);
  const { port } = server;
  return (path) => fetch(`http://127.0.0.1:${port}${path}`);
};

describe('health server', () => {
  test('/readyz says what is missing until nothing is', async () => {
    const state = { notReady: ['KcpMcpServers to be listed'] };
    const get = await start(state);
    const before = await get('/readyz');
    expect([before.status, await before.text()]).toEqual([503, 'waiting for KcpMcpServers to be listed\n']);
    state.notReady = [];
    expect((await get('/readyz')).status).toBe(200);
  });

  test('/healthz fails only for what a restart mends', async () => {
    const state: { notReady: string[]; dead?: string } = { notReady: ['everything'] };
    const get = await start(state);
    expect((await get('/healthz')).status).toBe(200);
    state.dead = 'lease lost';
    expect((await get('/healthz')).status).toBe(503);
  });

  test('/metrics shows the operator’s own metrics', async () => {
    const get = await start({ notReady: [] });
    const text = await (await get('/metrics?x=1')).text();
    for (const line of [
      'kcp_mcp_operator_queue_depth 3',
      'kcp_mcp_operator_leader 1',
      'kcp_mcp_operator_resources{ready="True"} 2',
      'kcp_mcp_operator_reconcile_total{result="waiting"} 1',
      'kcp_mcp_operator_reconcile_errors_total{kind="waiting"} 1',
      'kcp_mcp_operator_api_requests_total{verb="PATCH",code="409"} 1',
      'kcp_mcp_operator_reconcile_duration_seconds_count 1',
    ]) {
      expect(text).toContain(line);
    }
  });

  test('anything else is 404, and a taken port is an error', async () => {
    const get = await start({ notReady: [] });
    expect((await get('/debug')).status).toBe(404);
    const metrics = { text: () => Promise.resolve(''), contentType: 'text/plain' };
    const again = startHealthServer(
      { host: '127.0.0.1', port: server?.port ?? 0 },
      { notReady: () => [], dead: () => undefined, metrics },
    );
    await expect(again).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });
});
