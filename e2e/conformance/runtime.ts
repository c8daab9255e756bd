import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '../../mcp-runtime/src/config/load.ts';
import { createMetrics } from '../../mcp-runtime/src/metrics.ts';
import { startRuntime } from '../../mcp-runtime/src/runtime.ts';
import { startTestIssuer } from '../../mcp-runtime/src/testing/issuer.ts';
import { captureLog } from '../../mcp-runtime/src/testing/log.ts';
import { createCA, issueCertificate } from '../lib/certs.ts';
import { waitFor } from '../lib/wait.ts';
import { extendWithFixture, makeFixtureToolset } from './fixture/index.ts';
import { startProxy } from './proxy.ts';

/** The real runtime, with HTTPS, guards and token check, serving the suite's tools beside its own. */
export interface FixtureRuntime {
  /** `/mcp` over HTTPS: wants a token. */
  readonly mcpURL: string;
  /** File with the CA that the above is trusted by. */
  readonly caFile: string;
  /** A token that the runtime takes. */
  readonly token: string;
  /** `/mcp` through a proxy that adds the token, for programs that have none. */
  readonly openURL: string;
  /** What the runtime logged. */
  readonly logged: () => string;
  stop(): Promise<void>;
}

/** No kcp stands behind it: tools that need one answer that it can't be reached. */
export async function startFixtureRuntime(): Promise<FixtureRuntime> {
  const dir = await mkdtemp(join(tmpdir(), 'conformance-'));
  const [issuer, proxy, ca] = await Promise.all([startTestIssuer(), startProxy(), createCA(dir, 'ca', 'test CA')]);
  const hosts = ['localhost', '127.0.0.1'];
  await issueCertificate(ca, { dir, name: 'tls', commonName: 'localhost', hosts });
  const caPEM = await readFile(ca.certFile, 'utf8');
  await writeFile(join(dir, 'kubeconfig'), kubeconfig(caPEM));
  const configFile = join(dir, 'config.toml');
  const lists = { disabledTools: [] as string[], prompts: '' };
  const writeConfig = () =>
    writeFile(
      configFile,
      `disabled_tools = ${JSON.stringify(lists.disabledTools)}
port = "0"
bind_address = "127.0.0.1"
tls_cert = "${dir}/tls.crt"
tls_key = "${dir}/tls.key"
require_tls = true
kubeconfig = "${dir}/kubeconfig"
oauth_audience = "platform-mesh"
authorization_url = "${issuer.url}"
certificate_authority = "${issuer.caFile}"
server_url = "${proxy.url}"
[toolset_configs.kcp]
health_port = "0"
${lists.prompts}
`,
    );
  await writeConfig();
  const captured = captureLog();
  async function reload(): Promise<void> {
    await writeConfig();
    await runtime.reload();
  }
  async function changeTools(): Promise<void> {
    lists.disabledTools = lists.disabledTools.length === 0 ? ['resources_get'] : [];
    await reload();
  }
  async function changePrompts(): Promise<void> {
    const prompt = '[[prompts]]\nname = "more"\n[[prompts.messages]]\nrole = "user"\ncontent = "Hello"';
    lists.prompts = lists.prompts === '' ? prompt : '';
    await reload();
  }
  const runtime = await startRuntime({
    configFile,
    config: await loadConfig(configFile),
    log: captured.log,
    metrics: createMetrics('test'),
    version: '0.0.0-test',
    makeToolset: (deps) => makeFixtureToolset({ changeTools, changePrompts }, deps),
    extend: extendWithFixture,
  });
  const token = await issuer.sign({ exp: Math.floor(Date.now() / 1_000) + 3_600 });
  proxy.forwardTo({ port: runtime.port, ca: caPEM, token });
  const ready = async () => (await fetch(`http://127.0.0.1:${runtime.healthPort}/readyz`)).ok;
  await waitFor('the runtime to be ready', ready, { deadlineMs: 10_000, intervalMs: 20 });

  return {
    mcpURL: `https://localhost:${runtime.port}/mcp`,
    caFile: ca.certFile,
    token,
    openURL: `${proxy.url}/mcp`,
    logged: () => captured.text(),
    stop: async () => {
      await proxy.close();
      await runtime.stop({ lingerMs: 0, patienceMs: 0 });
      await issuer.close();
      await rm(dir, { recursive: true });
    },
  };
}

function kubeconfig(caPEM: string): string {
  const caData = Buffer.from(caPEM).toString('base64');
  const cluster = { server: 'https://127.0.0.1:1', 'certificate-authority-data': caData };
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'kcp', cluster }],
    contexts: [{ name: 'kcp', context: { cluster: 'kcp', user: '' } }],
    'current-context': 'kcp',
  });
}
