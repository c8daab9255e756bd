import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startSyntheticForTest } from '../../e2e/bench/kcp/testing.ts';
import type { SyntheticForTest } from '../../e2e/bench/kcp/testing.ts';
import { orgsAndTeams } from '../../e2e/bench/kcp/tree.ts';
import { writeKubeconfig } from '../../e2e/bench/servers/kubeconfig.ts';
import { waitFor } from '../../e2e/lib/wait.ts';
import { connectMcp, eras, type Era, type McpClient } from '../../e2e/oidc/connect.ts';
import { ensureTLSFiles } from '../../e2e/oidc/tls-files.ts';
import { loadConfig } from './config/load.ts';
import { createMetrics } from './metrics.ts';
import { startRuntime, type Runtime } from './runtime.ts';
import { startTestIssuer, type TestIssuer } from './testing/issuer.ts';
import { captureLog } from './testing/log.ts';

// The whole runtime, with real HTTPS to all sides: callers, issuer, and a kcp that counts what reaches it.

let dir: string;
let provider: TestIssuer;
let kcp: SyntheticForTest;
let runtime: Runtime;
let caFile: string;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'warm-'));
  provider = await startTestIssuer();
  kcp = await startSyntheticForTest(orgsAndTeams(2, 3), provider.url);
  const tls = await ensureTLSFiles(join(dir, 'tls'), ['localhost']);
  ({ caFile } = tls);
  const server = `${kcp.url}/clusters/root`;
  const kubeconfig = await writeKubeconfig({ file: join(dir, 'kubeconfig'), server, caFile: kcp.caFile });
  const configFile = join(dir, 'config.toml');
  await writeFile(
    configFile,
    `port = "0"
bind_address = "127.0.0.1"
tls_cert = "${tls.certFile}"
tls_key = "${tls.keyFile}"
kubeconfig = "${kubeconfig}"
oauth_audience = "platform-mesh"
authorization_url = "${provider.url}"
certificate_authority = "${provider.caFile}"
server_url = "https://localhost"
[toolset_configs.kcp]
health_port = "0"
`,
  );
  const config = await loadConfig(configFile);
  const { log } = captureLog();
  runtime = await startRuntime({ configFile, config, log, metrics: createMetrics('test'), version: 'test' });
  const ready = async () => (await fetch(`http://127.0.0.1:${runtime.healthPort}/readyz`)).ok;
  await waitFor('ready', ready, { deadlineMs: 10_000, intervalMs: 10 });
});
afterAll(async () => {
  await runtime.stop({ lingerMs: 0, patienceMs: 0 });
  await kcp.stop();
  await provider.close();
  await rm(dir, { recursive: true });
});

/** Everything that a call may cause outside of the runtime. */
const caused = () => ({ kcp: { ...kcp.counts }, issuer: { ...provider.requests, handshakes: provider.handshakes() } });

const list = { workspace: 'root:org-01:team-01', apiVersion: 'v1', kind: 'ConfigMap', namespace: 'default' };

const connect = async (era: Era, jti: string): Promise<McpClient> =>
  connectMcp({
    mcpURL: `https://localhost:${runtime.port}/mcp`,
    accessToken: await provider.sign({ jti }),
    ca: caFile,
    era,
  });

test.each(eras)('a warm call of %s does no TLS handshake, no discovery, no JWKS fetch', async (era) => {
  const first = await connect(era, 'first');
  expect((await first.callTool('resources_list', list)).text).toContain('settings');
  expect((await first.callTool('kcp_workspaces_list')).isError).toBe(false);

  const before = caused();
  const rounds = 10;
  // A token lasts an hour and calls go on: a new one of the same caller is as warm as the old one.
  const renewed = await connect(era, 'renewed');
  for (let round = 1; round <= rounds; round += 1) {
    for (const session of [first, renewed]) {
      expect((await session.callTool('resources_list', list)).text).toContain('settings');
      expect((await session.callTool('kcp_workspaces_list')).isError).toBe(false);
      expect(await session.listTools()).not.toEqual([]);
    }
  }
  // One request to kcp for each list of objects; the caller's workspaces are known.
  const expected = { ...before, kcp: { ...before.kcp, requests: before.kcp.requests + 2 * rounds } };
  expect(caused()).toEqual(expected);
  await Promise.all([first.close(), renewed.close()]);
});
