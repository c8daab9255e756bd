// auth.mode: Kubeconfig through the resource: everybody acts on kcp as the kubeconfig's user, with its namespace's consent.
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Agent, fetch } from 'undici';
import { waitFor } from '../lib/wait.ts';
import { signTestToken } from '../oidc/test-tokens.ts';
import { condition, host, kcpRequestsDuring, state } from './support.ts';
import { startUpstream, whileUpstreamServes } from './upstream-binary.ts';

const { namespace } = state.server;
const NAME = 'shared';
const SOURCE = { namespace: 'kcp-vespucci', name: 'kcp-mcp-kubeconfig' };
const ANNOTATION = 'mcp.kcp.io/allow-namespaces';
/** Whose certificate the demo's kcp-operator has put into the source. */
const USER = 'kcp-admin';
const HOSTNAME = 'mcp-shared.example.test';

interface Spec {
  auth: { oidc: { caRef: object } };
  kcp: object;
  tls: object;
}

let sample: Spec;
let dispatcher: Agent | undefined;

beforeAll(async () => {
  sample = (await host.get<{ spec: Spec }>('kcpmcpserver', state.server.name, '-n', namespace)).spec;
  const secrets = [`${NAME}-mcp-kubeconfig`, `${NAME}-mcp-tls`].map((secret) => `--resource-name=${secret}`);
  const verbs = '--verb=get,watch,create,patch,delete';
  await host.run(['create', 'role', NAME, '-n', namespace, '--resource=secrets', verbs, ...secrets]);
  const operator = '--serviceaccount=kcp-mcp-operator-system:kcp-mcp-operator';
  await host.run(['create', 'rolebinding', NAME, '-n', namespace, `--role=${NAME}`, operator]);
});
afterAll(async () => {
  await dispatcher?.close();
  await host.run(['delete', 'kcpmcpserver', NAME, '-n', namespace, '--ignore-not-found']);
  await host.run(['delete', 'role,rolebinding', NAME, '-n', namespace, '--ignore-not-found']);
  await host.run(['annotate', 'kubeconfig.operator.kcp.io', SOURCE.name, '-n', SOURCE.namespace, `${ANNOTATION}-`]);
});

async function applyServer(auth: object): Promise<void> {
  const { kcp, tls } = sample;
  await host.apply({
    apiVersion: 'mcp.kcp.io/v1alpha1',
    kind: 'KcpMcpServer',
    metadata: { name: NAME, namespace },
    spec: { hostname: HOSTNAME, kcp, tls, auth },
  });
}

/** Straight to the Service, whose name resolves nowhere else. */
async function connectToService(): Promise<void> {
  const { spec } = await host.get<{ spec: { clusterIP: string } }>('service', `${NAME}-mcp`, '-n', namespace);
  await dispatcher?.close();
  dispatcher = new Agent({
    connect: {
      ca: readFileSync(state.caFile),
      lookup: (_name, _options, done) => {
        done(null, [{ address: spec.clusterIP, family: 4 }]);
      },
    },
  });
}

async function call(tool: string, args: object = {}, token?: string) {
  const response = await fetch(`https://${HOSTNAME}/mcp`, {
    ...(dispatcher && { dispatcher }),
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: tool, arguments: args } }),
  });
  const body = await response.text();
  const { result } = JSON.parse(/\{.*\}/s.exec(body)?.[0] ?? '{}') as {
    result?: { isError?: boolean; content: { text: string }[]; structuredContent?: object };
  };
  return { status: response.status, text: result?.content[0]?.text ?? '', structured: result?.structuredContent };
}

/** What an MCP client says first, to a server that asks for no token. */
async function initialize(mcpURL: string, dispatcher: Agent): Promise<{ status: number; text: string }> {
  const params = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'test', version: '1' } };
  const response = await fetch(mcpURL, {
    dispatcher,
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params }),
  });
  return { status: response.status, text: await response.text() };
}

const pods = async (): Promise<string> =>
  (await host.run(['get', 'pods', '-n', namespace, '-l', `app.kubernetes.io/instance=${NAME}`, '-o', 'name'])).trim();

describe('nobody signs in', () => {
  test('and it takes the consent of the Kubeconfig', async () => {
    await applyServer({ mode: 'Kubeconfig', allowUnauthenticated: true });
    const { message } = await condition(NAME, 'KubeconfigReady', { status: 'False', reason: 'NotPermitted' });
    const { code, stderr } = await host.shell(/Grant it with: (.*)$/.exec(message)?.[1] ?? 'false');
    expect([code, stderr]).toEqual([0, '']);
    await condition(NAME, 'Ready', { status: 'True' }, { deadlineMs: 150_000 });
    await condition(NAME, 'OIDCReady', { status: 'True', reason: 'NotRequired' });
    await connectToService();
  }, 200_000);

  test("kcp sees the kubeconfig's user, also where a token comes along", async () => {
    const token = await signTestToken(state.issuer);
    const seen = await kcpRequestsDuring(async () => {
      for (const sent of [undefined, token])
        expect((await call('namespaces_list', { workspace: 'root:acme:team-a' }, sent)).text).toMatch(/^default\s/m);
    });
    const own = (seen as { user?: string; userAgent?: string; audience?: unknown }[]).filter(
      ({ userAgent }) => userAgent === 'kcp-mcp-runtime',
    );
    expect(own.length).toBeGreaterThan(0);
    for (const request of own) expect(request).toMatchObject({ user: USER });
    expect(own.filter(({ audience }) => audience !== undefined)).toEqual([]);
    expect((await call('kcp_whoami')).structured).toMatchObject({ user: USER, caller: 'anonymous' });
  });

  test('the upstream server serves with the same files', async () => {
    const { status, text } = await whileUpstreamServes(NAME, initialize);
    expect([status, text]).toEqual([200, expect.stringContaining('kubernetes-mcp-server')]);
  });
});

describe('everybody signs in', () => {
  test('for this server alone, and acts as the same user', async () => {
    const { caRef } = sample.auth.oidc;
    await host.run(['patch', 'kcpmcpserver', NAME, '-n', namespace, '--type=merge', '-p', JSON.stringify({ spec: { auth: { allowUnauthenticated: false, oidc: { issuerURL: state.issuer.issuerURL, caRef } } } })]); // prettier-ignore
    await condition(NAME, 'Ready', { status: 'True' }, { deadlineMs: 150_000 });
    // Pods of before may be on their way out yet.
    const refused = async () => (await call('kcp_whoami')).status === 401;
    await waitFor('Pods that ask for a token', refused, { deadlineMs: 60_000, intervalMs: 500 });
    const token = await signTestToken(state.issuer, { claims: { aud: `https://${HOSTNAME}/mcp` } });
    expect((await call('kcp_whoami', {}, token)).structured).toMatchObject({ user: USER, caller: 'alice@example.com' });
    const logs = await host.run(['logs', '-l', `app.kubernetes.io/instance=${NAME}`, '-n', namespace, '--tail=-1']);
    expect(logs).toContain(`"identity":"${USER}"`);
    expect(logs).toContain('acts on kcp as one shared identity');
  }, 240_000);

  test('the upstream server parses that, and refuses it on principle', async () => {
    const output = await startUpstream(NAME);
    expect(output).not.toContain('failed to read and merge config');
    expect(output).toContain('cluster_auth_mode "kubeconfig" is not compatible with require_oauth=true');
  });
});

test('consent that is withdrawn ends the Pods', async () => {
  expect(await pods()).not.toBe('');
  await host.run(['annotate', 'kubeconfig.operator.kcp.io', SOURCE.name, '-n', SOURCE.namespace, `${ANNOTATION}-`]);
  await waitFor('the Pods to end', async () => (await pods()) === '', { deadlineMs: 100_000, intervalMs: 500 });
  const { code } = await host.any(['get', 'secret', `${NAME}-mcp-kubeconfig`, '-n', namespace]);
  expect(code).not.toBe(0);
  await condition(NAME, 'Ready', { status: 'False', reason: 'NotPermitted' });
}, 120_000);
