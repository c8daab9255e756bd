import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Agent, fetch, type Response } from 'undici';
import { createCA, issueCertificate } from '../../../e2e/lib/certs.ts';
import { waitFor } from '../../../e2e/lib/wait.ts';
import { loadConfig } from '../config/load.ts';
import { createMetrics } from '../metrics.ts';
import { startRuntime } from '../runtime.ts';
import type { FakeKcp } from './fake-kcp.ts';
import type { TestIssuer } from './issuer.ts';
import { captureLog } from './log.ts';

/** The whole runtime on loopback: its own files, real TLS in front, an issuer beside it and a kcp behind it. */
export interface TestRuntime {
  readonly port: number;
  readonly healthPort: number;
  /** PEM of the CA of its certificate. */
  readonly ca: string;
  readonly logged: ReturnType<typeof captureLog>;
  /** `POST /mcp`, a tool call that goes to kcp unless told otherwise; no token unless `headers` have one. */
  post(headers: Readonly<Record<string, string>>, body?: unknown): Promise<Response>;
  stop(): Promise<void>;
}

/** A call that asks kcp once. */
export const CALL = {
  jsonrpc: '2.0',
  id: 1,
  method: 'tools/call',
  params: { name: 'namespaces_list', arguments: { workspace: 'root:acme' } },
};

/**
 * Starts it and waits until it can judge tokens.
 *
 * @param settings lines of config.toml before its first table.
 */
export async function startTestRuntime(provider: TestIssuer, kcp: FakeKcp, settings = ''): Promise<TestRuntime> {
  const dir = await mkdtemp(join(tmpdir(), 'runtime-'));
  const ca = await createCA(dir, 'ca', 'test CA');
  await issueCertificate(ca, { dir, name: 'tls', commonName: 'mcp', hosts: ['mcp.example.com', '127.0.0.1'] });
  await writeFile(join(dir, 'kubeconfig'), kcp.kubeconfig);
  const configFile = join(dir, 'config.toml');
  await writeFile(
    configFile,
    `port = "0"
log_level = 9
bind_address = "127.0.0.1"
tls_cert = "${dir}/tls.crt"
tls_key = "${dir}/tls.key"
kubeconfig = "${dir}/kubeconfig"
oauth_audience = "platform-mesh"
authorization_url = "${provider.url}"
certificate_authority = "${provider.caFile}"
server_url = "https://mcp.example.com"
${settings}
[toolset_configs.kcp]
health_port = "0"
`,
  );
  const logged = captureLog();
  const config = await loadConfig(configFile);
  const runtime = await startRuntime({ configFile, config, log: logged.log, metrics: createMetrics('test'), version: 'test' }); // prettier-ignore
  const { port, healthPort } = runtime;
  const caPem = await readFile(ca.certFile, 'utf8');
  const dispatcher = new Agent({ connect: { ca: caPem } });
  const ready = async () => (await fetch(`http://127.0.0.1:${healthPort}/readyz`)).status === 200;
  await waitFor('the runtime', ready, { deadlineMs: 10_000, intervalMs: 10 });
  return {
    port,
    healthPort,
    ca: caPem,
    logged,
    post: (headers, body = CALL) =>
      fetch(`https://127.0.0.1:${port}/mcp`, {
        method: 'POST',
        dispatcher,
        headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream', ...headers },
        body: typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body),
      }),
    stop: async () => {
      await runtime.stop({ lingerMs: 0, patienceMs: 0 });
      await dispatcher.close();
      await rm(dir, { recursive: true });
    },
  };
}
