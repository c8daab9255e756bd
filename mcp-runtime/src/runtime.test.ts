import { randomUUID } from 'node:crypto';
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type PeerCertificate } from 'node:tls';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { Agent, fetch } from 'undici';
import { createCA, issueCertificate, type CertificateAuthority } from '../../e2e/lib/certs.ts';
import { waitFor } from '../../e2e/lib/wait.ts';
import { loadConfig } from './config/load.ts';
import { createMetrics } from './metrics.ts';
import { startRuntime, type Runtime } from './runtime.ts';
import { sendToken, startTestIssuer, type TestIssuer } from './testing/issuer.ts';
import { captureLog } from './testing/log.ts';

const SOON = { deadlineMs: 10_000, intervalMs: 10 };
const NOW = { lingerMs: 0, patienceMs: 0 };
const LIST = { method: 'tools/list', params: {} };

let provider: TestIssuer;
let ca: CertificateAuthority;
let dir: string;
let runtime: Runtime | undefined;
let logged: ReturnType<typeof captureLog>;
let metrics: ReturnType<typeof createMetrics>;
let dispatcher: Agent;

beforeAll(async () => {
  provider = await startTestIssuer();
});
afterAll(() => provider.close());

beforeEach(async () => {
  provider.down = false;
  logged = captureLog();
  metrics = createMetrics('test');
  dir = await mkdtemp(join(tmpdir(), 'runtime-'));
  ca = await createCA(dir, 'ca', 'test CA');
  await renewCertificate();
  await writeKubeconfig('https://127.0.0.1:1');
  dispatcher = new Agent({ connect: { ca: await readFile(ca.certFile, 'utf8') } });
});
afterEach(async () => {
  await runtime?.stop(NOW);
  runtime = undefined;
  await dispatcher.close();
  await rm(dir, { recursive: true });
});

async function renewCertificate(): Promise<void> {
  const fresh = await issueCertificate(ca, {
    dir,
    name: 'fresh',
    commonName: 'localhost',
    hosts: ['localhost', '127.0.0.1'],
  });
  await copyFile(fresh.certFile, join(dir, 'tls.crt'));
  await copyFile(fresh.keyFile, join(dir, 'tls.key'));
}

async function writeKubeconfig(server: string): Promise<void> {
  const caData = (await readFile(ca.certFile)).toString('base64');
  const kubeconfig = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'kcp', cluster: { server, 'certificate-authority-data': caData } }],
    contexts: [{ name: 'kcp', context: { cluster: 'kcp', user: '' } }],
    'current-context': 'kcp',
  };
  await writeFile(join(dir, 'kubeconfig'), JSON.stringify(kubeconfig));
}

async function writeConfig(top = '', kcp = ''): Promise<string> {
  const file = join(dir, 'config.toml');
  await writeFile(
    file,
    `port = "0"
bind_address = "127.0.0.1"
tls_cert = "${dir}/tls.crt"
tls_key = "${dir}/tls.key"
require_tls = true
kubeconfig = "${dir}/kubeconfig"
oauth_audience = "platform-mesh"
authorization_url = "${provider.url}"
certificate_authority = "${provider.caFile}"
server_url = "https://mcp.example.com"
${top}
[toolset_configs.kcp]
health_port = "0"
${kcp}
`,
  );
  return file;
}

async function start(): Promise<Runtime> {
  const configFile = await writeConfig();
  runtime = await startRuntime({
    configFile,
    config: await loadConfig(configFile),
    log: logged.log,
    metrics,
    version: 'test',
  });
  return runtime;
}

/** A request of 2026-07-28. */
async function post(method: string, params: object = {}) {
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientCapabilities': {},
  };
  return fetch(`https://localhost:${runtime?.port ?? 0}/mcp`, {
    method: 'POST',
    dispatcher,
    headers: {
      authorization: `Bearer ${await provider.sign()}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': method,
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: { ...params, _meta } }),
  });
}

const health = (path: string) => fetch(`http://127.0.0.1:${runtime?.healthPort ?? 0}${path}`);
const ready = async () => (await health('/readyz')).status === 200;

/** The message that answers one of 2025-11-25, of a caller with a token of their own. */
async function ask(message: object): Promise<string> {
  const response = await fetch(`https://localhost:${runtime?.port ?? 0}/mcp`, {
    method: 'POST',
    dispatcher,
    headers: {
      authorization: `Bearer ${await provider.sign({ jti: randomUUID() })}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, ...message }),
  });
  return /\{.*\}/.exec(await response.text())?.[0] ?? '{}';
}

const callTool = () => ask({ method: 'tools/call', params: { name: 'namespaces_list' } });

async function toolNames(): Promise<string[]> {
  const { result } = JSON.parse(await ask(LIST)) as { result?: { tools: { name: string }[] } };
  return result?.tools.map((tool) => tool.name) ?? [];
}

/** Serial number of the certificate that a new connection gets. */
async function serial(maxVersion: 'TLSv1.2' | 'TLSv1.3' = 'TLSv1.3'): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<PeerCertificate>();
  const socket = connect({ port: runtime?.port ?? 0, host: '127.0.0.1', rejectUnauthorized: false, maxVersion }, () => {
    resolve(socket.getPeerCertificate());
  });
  socket.once('error', reject);
  const { serialNumber } = await promise;
  socket.destroy();
  return serialNumber;
}

describe('readiness', () => {
  test("waits for the issuer's keys, not for kcp; liveness for nothing", async () => {
    provider.down = true;
    await start();
    await waitFor('the first attempt', () => logged.text().includes('answered 503'), SOON);
    const notReady = await health('/readyz');
    expect(notReady.status).toBe(503);
    expect(await notReady.text()).toContain(`the keys of ${provider.url} can't be loaded`);
    expect((await health('/healthz')).status).toBe(200);
    provider.down = false;
    await waitFor('ready', ready, SOON);
    // No kcp listens at the kubeconfig's address.
    expect(await toolNames()).toContain('kcp_workspaces_list');
  });

  test('metrics are served beside it', async () => {
    await start();
    await waitFor('ready', ready, SOON);
    const text = await (await health('/metrics')).text();
    expect(text).toContain('kcp_mcp_runtime_build_info{version="test"} 1');
    expect(text).toContain('kcp_mcp_runtime_issuer_key_refreshes_total{result="success"} 1');
    expect(text).toMatch(/kcp_mcp_runtime_certificate_not_after_seconds 1\d{9}/);
    expect((await health('/nope')).status).toBe(404);
  });
});

describe('a changed file', () => {
  test('the certificate is served to new connections', async () => {
    await start();
    const before = await serial();
    await renewCertificate();
    await waitFor('the new certificate', async () => (await serial()) !== before, SOON);
    expect(await toolNames()).not.toEqual([]);
  });

  test('a key without its certificate changes nothing until both are there', async () => {
    await start();
    const before = await serial();
    const cert = await readFile(join(dir, 'tls.crt'));
    await renewCertificate();
    const renewed = await readFile(join(dir, 'tls.crt'));
    await writeFile(join(dir, 'tls.crt'), cert);
    await runtime?.reload();
    expect(await serial()).toBe(before);
    expect(logged.text()).toContain("can't be reloaded");
    await writeFile(join(dir, 'tls.crt'), renewed);
    await waitFor('the new certificate', async () => (await serial()) !== before, SOON);
  });

  test('the configuration counts from the next request on', async () => {
    await start();
    await waitFor('ready', ready, SOON);
    expect(await toolNames()).toContain('namespaces_list');
    await writeConfig('disabled_tools = ["namespaces_list"]');
    await waitFor('the new tool list', async () => !(await toolNames()).includes('namespaces_list'), SOON);
    expect(await ready()).toBe(true);
  });

  test('another issuer waits for a restart: who has the keys of this one goes on serving', async () => {
    const running = await start();
    await waitFor('ready', ready, SOON);
    const file = await writeConfig('disabled_tools = ["namespaces_list"]');
    const text = await readFile(file, 'utf8');
    await writeFile(file, text.replace(provider.url, 'https://localhost:1').replace('"platform-mesh"', '"other"'));
    await running.reload();
    expect(logged.lines).toContainEqual(expect.objectContaining({ keys: ['authorization_url', 'oauth_audience'] }));
    expect(await ready()).toBe(true);
    expect(await toolNames()).not.toContain('namespaces_list');
  });

  test('who listens is told of another tool list, and of nothing else', async () => {
    const running = await start();
    await waitFor('ready', ready, SOON);
    const { body } = await post('subscriptions/listen', { notifications: { toolsListChanged: true } });
    let heard = '';
    const end = (async () => {
      for await (const chunk of body?.pipeThrough(new TextDecoderStream()) ?? []) heard += chunk;
    })();
    await waitFor('the acknowledgement', () => heard.includes('notifications/subscriptions/acknowledged'), SOON);
    await writeConfig('log_level = 2');
    await running.reload();
    await writeConfig('log_level = 2\ndisabled_tools = ["namespaces_list"]');
    await running.reload();
    await waitFor('the notification', () => heard.includes('notifications/tools/list_changed'), SOON);
    await running.stop(NOW);
    runtime = undefined;
    await end.catch(() => undefined);
    expect(heard.split('notifications/tools/list_changed')).toHaveLength(2);
  });

  test('a drop-in that comes counts from the next request on, a broken one changes nothing, and one that goes is forgotten', async () => {
    await start();
    await waitFor('ready', ready, SOON);
    const lists = async () => (await toolNames()).includes('namespaces_list');
    await mkdir(join(dir, 'conf.d'));
    await writeFile(join(dir, 'conf.d', '10.toml'), 'disabled_tools = ["namespaces_list"]');
    await waitFor('the tool to go', async () => !(await lists()), SOON);
    await writeFile(join(dir, 'conf.d', '20.toml'), 'disabled_tools = "none"');
    await waitFor('the refusal', () => logged.text().includes('20.toml:1: disabled_tools = '), SOON);
    expect(await lists()).toBe(false);
    await runtime?.reload();
    expect(await lists()).toBe(false);
    await rm(join(dir, 'conf.d'), { recursive: true });
    await waitFor('the tool to come back', lists, SOON);
  });

  test('a tool that there is not is told of, at the start and when it comes', async () => {
    const hints = () => logged.lines.flatMap((line) => ('hint' in line ? [line['hint']] : []));
    await start();
    expect(hints()).toEqual([]);
    await writeConfig('disabled_tools = ["namespace_list"]');
    const hint = 'disabled_tools: there is no tool namespace_list; did you mean namespaces_list?';
    await waitFor('the hint', () => hints().includes(hint), SOON);
  });

  test('a wrong configuration leaves the old one in force', async () => {
    await start();
    await waitFor('ready', ready, SOON);
    await writeConfig('read_only = "yes"');
    await waitFor('the refusal', () => logged.text().includes('read_only = \\"yes\\": must be true or false'), SOON);
    expect(await toolNames()).toContain('namespaces_list');
    await waitFor(
      'the count',
      async () =>
        (await (await health('/metrics')).text()).includes(
          'kcp_mcp_runtime_reloads_total{what="config",result="failure"} 1',
        ),
      SOON,
    );
  });

  test('what only a restart can change is named', async () => {
    await start();
    await writeConfig('tls_min_version = "VersionTLS13"', 'request_timeout = "5s"');
    await waitFor(
      'the warning',
      () => logged.lines.find((line) => line['message'] === 'changed settings that take effect after a restart'),
      SOON,
    );
    expect(logged.lines).toContainEqual(expect.objectContaining({ keys: ['tls_min_version'] }));
    await expect(serial('TLSv1.2')).resolves.toBeDefined();
  });

  test('the kubeconfig moves calls to another kcp', async () => {
    await start();
    await writeKubeconfig('https://127.0.0.1:2');
    await waitFor(
      'the reload',
      () => logged.lines.some((line) => line['what'] === 'kubeconfig' && line['message'] === 'reloaded'),
      SOON,
    );
  });
});

describe('starting', () => {
  test('a certificate that is not there is an error that names the file', async () => {
    await rm(join(dir, 'tls.crt'));
    await expect(start()).rejects.toThrow(/tls\.crt/);
  });
});

describe('a token exchange', () => {
  const KEYS = 'token_exchange = {audience = "kcp", client_auth = {client_id = "mcp"}}';

  async function startWithSecret(): Promise<string> {
    const secret = join(dir, 'client-secret');
    await writeFile(secret, 'hunter2\n');
    const configFile = await writeConfig(KEYS, `token_exchange_client_secret_file = "${secret}"`);
    const config = await loadConfig(configFile);
    runtime = await startRuntime({ configFile, config, log: logged.log, metrics, version: 'test' });
    return secret;
  }

  test('a secret that is not there is an error at the start that names key and file', async () => {
    const configFile = await writeConfig(KEYS, 'token_exchange_client_secret_file = "/nowhere/secret"');
    const config = await loadConfig(configFile);
    await expect(startRuntime({ configFile, config, log: logged.log, metrics, version: 'test' })).rejects.toThrow(
      "the client secret can't be read: /nowhere/secret (toolset_configs.kcp.token_exchange_client_secret_file) gives ENOENT",
    );
  });

  test('and later leaves the old configuration in force', async () => {
    await startWithSecret();
    await waitFor('ready', ready, SOON);
    await writeConfig(
      `${KEYS}\ndisabled_tools = ["namespaces_list"]`,
      'token_exchange_client_secret_file = "/nowhere/secret"',
    );
    await waitFor('the refusal', () => logged.text().includes('/nowhere/secret'), SOON);
    expect(await toolNames()).toContain('namespaces_list');
  });

  test('an audience that MCP clients do not ask for is worth a warning, listing tools no exchange', async () => {
    await startWithSecret();
    await waitFor('ready', ready, SOON);
    expect(await toolNames()).toContain('kcp_workspaces_list');
    expect(provider.tokenRequests).toEqual([]);
    expect(logged.lines).toContainEqual(
      expect.objectContaining({ level: 'warn', resource: 'https://mcp.example.com/mcp' }),
    );
    expect(logged.text()).not.toContain('hunter2');
  });

  test('a call that needs kcp exchanges; one that fails is counted by its cause', async () => {
    await startWithSecret();
    await waitFor('ready', ready, SOON);
    const before = provider.tokenRequests.length;
    await callTool();
    expect(provider.tokenRequests.slice(before).map(({ form }) => form.get('client_secret'))).toEqual(['hunter2']);
    provider.answerToken = (_, res) => {
      sendToken(res, { error: 'invalid_target' }, 400);
    };
    expect(await callTool()).toContain('token_exchange.audience');
    provider.answerToken = undefined;
    const text = await (await health('/metrics')).text();
    expect(text).toContain('kcp_mcp_runtime_token_exchanges_total{result="success"} 1');
    expect(text).toContain('kcp_mcp_runtime_token_exchanges_total{result="audience"} 1');
  });
});

describe('stopping', () => {
  test('is announced by readiness while calls are still served, then lets them finish', async () => {
    const running = await start();
    await waitFor('ready', ready, SOON);
    const stopped = running.stop({ lingerMs: 300, patienceMs: 5_000 });
    runtime = undefined;
    const { healthPort } = running;
    await waitFor('not ready', async () => (await fetch(`http://127.0.0.1:${healthPort}/readyz`)).status === 503, SOON);
    await expect(stopped).resolves.toBe(true);
    await expect(fetch(`http://127.0.0.1:${healthPort}/readyz`)).rejects.toThrow();
  });
});
