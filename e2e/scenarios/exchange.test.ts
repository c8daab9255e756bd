// auth.upstream: Exchange through the resource: callers' tokens are for the endpoint only, kcp takes its own audience only.
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Agent, fetch } from 'undici';
import { trustingFetch } from '../oidc/http.ts';
import { signTestToken } from '../oidc/test-tokens.ts';
import { condition, host, kcpRequestsDuring, state } from './support.ts';
import { startUpstream } from './upstream-binary.ts';

const { namespace } = state.server;
const NAME = 'exchange';
const SECRET = 'mcp-exchange';
const HOSTNAME = 'mcp-exchange.example.test';
const RESOURCE = `https://${HOSTNAME}/mcp`;
const GRANT = 'urn:ietf:params:oauth:grant-type:token-exchange';

interface Spec {
  auth: { oidc: { caRef: object } };
  kcp: object;
  tls: object;
}

let client: { client_id: string; client_secret: string };
let dispatcher: Agent;

beforeAll(async () => {
  client = await registerClient();
  await grantSecrets();
});
afterAll(async () => {
  await dispatcher.close();
  await host.run(['delete', 'kcpmcpserver', NAME, '-n', namespace, '--ignore-not-found']);
  await host.run(['delete', 'secret', SECRET, '-n', namespace, '--ignore-not-found']);
  await host.run(['delete', 'role,rolebinding', NAME, '-n', namespace, '--ignore-not-found']);
});

/** The confidential client that a server in mode Exchange is. */
async function registerClient(): Promise<typeof client> {
  const http = await trustingFetch(state.caFile);
  const response = await http.fetch(`${state.issuer.issuerURL}/reg`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ redirect_uris: [], response_types: [], grant_types: [GRANT], token_endpoint_auth_method: 'client_secret_post' }), // prettier-ignore
  });
  const registered = (await response.json()) as typeof client;
  await http.close();
  return registered;
}

/** What config/samples/target-role.yaml grants for the sample. */
async function grantSecrets(): Promise<void> {
  const secrets = [`${NAME}-mcp-kubeconfig`, `${NAME}-mcp-tls`, SECRET].map((secret) => `--resource-name=${secret}`);
  const verbs = '--verb=get,watch,create,patch';
  await host.run(['create', 'role', NAME, '-n', namespace, '--resource=secrets', verbs, ...secrets]);
  const operator = '--serviceaccount=kcp-mcp-operator-system:kcp-mcp-operator';
  await host.run(['create', 'rolebinding', NAME, '-n', namespace, `--role=${NAME}`, operator]);
}

async function applyServer(): Promise<void> {
  const { spec } = await host.get<{ spec: Spec }>('kcpmcpserver', state.server.name, '-n', namespace);
  const { kcp, tls, auth } = spec;
  await host.apply({
    apiVersion: 'mcp.kcp.io/v1alpha1',
    kind: 'KcpMcpServer',
    metadata: { name: NAME, namespace },
    spec: {
      hostname: HOSTNAME,
      kcp,
      tls,
      auth: {
        // No audience: that of the endpoint.
        oidc: { issuerURL: state.issuer.issuerURL, caRef: auth.oidc.caRef },
        upstream: {
          mode: 'Exchange',
          audience: state.issuer.clientID,
          clientID: client.client_id,
          clientSecretRef: { name: SECRET },
        },
      },
    },
  });
}

/** An MCP call straight to the Service, whose name resolves nowhere else. */
async function call(token: string, tool = 'namespaces_list', args: object = { workspace: 'root:acme:team-a' }) {
  const response = await fetch(RESOURCE, {
    dispatcher,
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      authorization: `Bearer ${token}`,
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: tool, arguments: args } }),
  });
  const body = await response.text();
  const { result } = JSON.parse(/\{.*\}/s.exec(body)?.[0] ?? '{}') as {
    result?: { isError?: boolean; content: { text: string }[] };
  };
  const challenge = response.headers.get('www-authenticate');
  return { status: response.status, challenge, isError: result?.isError, text: result?.content[0]?.text ?? '' };
}

const forUs = (): Promise<string> =>
  signTestToken(state.issuer, { claims: { aud: [RESOURCE, client.client_id], jti: crypto.randomUUID() } });

test('a missing Secret is a condition that names it, and the server comes up once it is there', async () => {
  await applyServer();
  const { message } = await condition(NAME, 'OIDCReady', { status: 'False', reason: 'NotFound' });
  expect(message).toContain(`Secret ${namespace}/${SECRET} not found: create it`);
  await host.apply({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: SECRET, namespace },
    stringData: { 'client-secret': client.client_secret },
  });
  await condition(NAME, 'Ready', { status: 'True' }, { deadlineMs: 150_000 });
  const service = await host.get<{ spec: { clusterIP: string } }>('service', `${NAME}-mcp`, '-n', namespace);
  dispatcher = new Agent({
    connect: {
      ca: readFileSync(state.caFile),
      lookup: (_name, _options, done) => {
        done(null, [{ address: service.spec.clusterIP, family: 4 }]);
      },
    },
  });
}, 240_000);

describe('a token for the endpoint', () => {
  test('is exchanged: kcp knows the caller by a token of its own audience', async () => {
    const seen = await kcpRequestsDuring(async () => {
      expect(await call(await forUs())).toMatchObject({ status: 200, text: expect.stringMatching(/^default\s/m) });
    });
    expect(seen).toContainEqual(expect.objectContaining({ status: 200, user: 'alice@example.com' }));
  });

  test('is refused by kcp itself', async () => {
    const http = await trustingFetch(state.caFile);
    const headers = { authorization: `Bearer ${await forUs()}` };
    expect((await http.fetch(`${state.kcp.url}/clusters/root/version`, { headers })).status).toBe(401);
    await http.close();
  });

  test('that does not name the exchanging client is a tool error with the cure, never a 401', async () => {
    const seen = await kcpRequestsDuring(async () => {
      const answer = await call(await signTestToken(state.issuer, { claims: { aud: RESOURCE } }));
      expect(answer).toMatchObject({ status: 200, isError: true });
      expect(answer.text).toContain(`must name client ${client.client_id} in aud`);
    });
    expect(seen).toEqual([]);
  });
});

test("a token for kcp's audience is not for this server", async () => {
  const { status, challenge } = await call(await signTestToken(state.issuer));
  expect(status).toBe(401);
  expect(challenge).toContain(`aud of the token does not hold ${RESOURCE}`);
});

test('the secret is in no ConfigMap and no log', async () => {
  const { data } = await host.get<{ data: object }>('configmap', `${NAME}-mcp-config`, '-n', namespace);
  const logs = await host.run(['logs', '-l', `app.kubernetes.io/instance=${NAME}`, '-n', namespace, '--tail=-1']);
  expect(logs).toContain('exchange_subject_audience');
  for (const text of [JSON.stringify(data), logs]) expect(text).not.toContain(client.client_secret);
});

test('the upstream server parses its configuration, too', async () => {
  const output = await startUpstream(NAME);
  expect(output).not.toContain('failed to read and merge config');
  expect(output).toContain('config.cluster_provider_strategy="kcp"');
});
