// Mode Exchange on a real Keycloak: callers' tokens are for the endpoint only, kcp takes its own audience only.
import { writeFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { decodeJwt } from 'jose';
import { exchangeAuth } from '../keycloak/environment.ts';
import { startRuntime } from '../keycloak/runtime.ts';
import type { RunningRuntime, RuntimeOptions } from '../keycloak/runtime.ts';
import type { SignedIn } from '../oidc/sign-in.ts';
import { freePorts } from '../lib/ports.ts';
import { waitFor } from '../lib/wait.ts';
import { callTool, kcpRequests, metadataOf, post, quoted, send, signInAs, state, workspacesOf } from './support.ts';

const { exchange, issuerURL, forgotten } = state;
const SOON = { deadlineMs: 10_000, intervalMs: 20 };
let alice: SignedIn;

beforeAll(async () => {
  alice = await signInAs('alice', exchange.mcpURL);
});

describe("a caller's token", () => {
  test('is for the endpoint and nothing else', async () => {
    expect(await metadataOf(exchange.mcpURL)).toMatchObject({ scopes_supported: ['openid', 'email', 'groups', 'mcp'] });
    expect(decodeJwt(alice.accessToken).aud).toBe(exchange.mcpURL);
  });

  test('is refused by kcp itself', async () => {
    const headers = { authorization: `Bearer ${alice.accessToken}` };
    expect((await send(`${state.kcp.url}/clusters/root/version`, { headers })).status).toBe(401);
  });

  test('is exchanged: kcp sees one of its own audience only, and knows who it is', async () => {
    const ours = async () => (await kcpRequests()).filter(({ userAgent }) => userAgent === 'kcp-mcp-runtime');
    const before = (await ours()).length;
    expect(await workspacesOf(exchange.mcpURL, alice.accessToken)).toEqual(['root', 'root:acme', 'root:acme:team-a']);
    // kcp writes its log after it has answered.
    const logged = async () => {
      const since = (await ours()).slice(before);
      return since.length > 0 ? since : undefined;
    };
    const seen = await waitFor('kcp to log it', logged, SOON);
    expect(new Set(seen.map(({ audience }) => audience))).toEqual(new Set(['kcp']));
    expect(new Set(seen.map(({ user }) => user))).toEqual(new Set(['alice@example.com']));
  });

  test("of another person brings that person's workspaces", async () => {
    const bob = await signInAs('bob', exchange.mcpURL);
    expect(await workspacesOf(exchange.mcpURL, bob.accessToken)).toEqual(['root', 'root:globex', 'root:globex:team-x']);
  });

  test("for kcp's audience alone is not taken: it is for another server", async () => {
    const { accessToken } = await signInAs('alice', state.passthrough);
    const { status, headers } = await post(exchange.mcpURL, accessToken);
    expect(status).toBe(401);
    expect(headers.get('www-authenticate')).toContain(`aud of the token does not hold ${exchange.mcpURL}`);
  });
});

/** A failed call: what the person reads. Each text of Keycloak's is one that docs/keycloak.md quotes. */
async function failure(mcpURL: string, token: string, said: string): Promise<string> {
  const { text, isError } = await callTool(mcpURL, token, 'kcp_workspaces_list');
  expect(isError).toBe(true);
  expect(text).toContain(said);
  quoted(said.replace(/^\w+: "(.*)"$/, '$1').replace(': account', ': …'));
  return text;
}

describe('a failure is a tool error with its cure', () => {
  const running: RunningRuntime[] = [];
  afterEach(async () => {
    for (const each of running.splice(0)) await each.stop();
  });

  /** Another server, wrong in one thing. */
  async function start(
    auth: RuntimeOptions['auth'],
    port: number,
    clientSecret = exchange.clientSecret,
  ): Promise<string> {
    const { dir, tls, kcp } = state;
    const options = { dir, name: `wrong-${port}`, port, tls, auth, kubeconfig: kcp.kubeconfig, clientSecret };
    const started = await startRuntime(options);
    running.push(started);
    return started.mcpURL;
  }

  test('a client that may not exchange', async () => {
    const mcpURL = await start(exchangeAuth(issuerURL, forgotten.mcpURL, { scope: 'mcp-forgotten' }), forgotten.port);
    const { accessToken } = await signInAs('alice', mcpURL);
    const text = await failure(
      mcpURL,
      accessToken,
      'invalid_request: "Standard token exchange is not enabled for the requested client"',
    );
    expect(text).toContain(`client ${forgotten.mcpURL} may not exchange tokens`);
    expect(text).toContain('Keycloak: "Standard token exchange" in the capability config of the client');
    // Listing tools needs no kcp, and so no exchange.
    expect((await post(mcpURL, accessToken)).status).toBe(200);
  });

  test.each([
    ['an audience that is no client', 'nowhere', 'invalid_client: "Audience not found"'],
    [
      'an audience that the client may not have',
      'account',
      'invalid_request: "Requested audience not available: account"',
    ],
  ])('%s', async (_, audience, said) => {
    // Callers' tokens as for the right server: the audience of both is the same.
    const auth = exchangeAuth(issuerURL, exchange.mcpURL, { audience });
    const [port = 0] = await freePorts(1);
    const mcpURL = await start({ ...auth, oidc: { ...auth.oidc, audience: exchange.mcpURL } }, port);
    const text = await failure(mcpURL, alice.accessToken, said);
    expect(text).toContain(`may not have tokens for the audience ${audience}`);
  });

  test("a caller's token that does not name the client", async () => {
    const auth = exchangeAuth(issuerURL, exchange.mcpURL, { audience: 'account' });
    const [port = 0] = await freePorts(1);
    const mcpURL = await start({ ...auth, oidc: { ...auth.oidc, audience: 'kcp' } }, port);
    const { accessToken } = await signInAs('alice', state.passthrough);
    const text = await failure(mcpURL, accessToken, 'access_denied: "Client is not within the token audience"');
    expect(text).toContain(`must name client ${exchange.mcpURL} in aud`);
  });

  test('an id token', async () => {
    const said = `invalid_request: "Parameter 'subject_token' supports access tokens only"`;
    const text = await failure(exchange.mcpURL, alice.idToken ?? '', said);
    expect(text).toContain('have the client send its access token');
  });

  test('a wrong secret; a rotated one counts at once', async () => {
    await writeFile(exchange.clientSecretFile, 'not the secret');
    try {
      const fresh = await signInAs('alice', exchange.mcpURL);
      const said = 'unauthorized_client: "Invalid client or Invalid client credentials"';
      const text = await failure(exchange.mcpURL, fresh.accessToken, said);
      expect(text).toContain(`no client ${exchange.mcpURL} with this secret`);
      expect(text).not.toContain('not the secret');
      await writeFile(exchange.clientSecretFile, `${exchange.clientSecret}\n`);
      expect(await workspacesOf(exchange.mcpURL, fresh.accessToken)).toContain('root:acme:team-a');
    } finally {
      await writeFile(exchange.clientSecretFile, exchange.clientSecret);
    }
  });
});

test('no log holds a token or the secret', () => {
  const log = readFileSync(join(state.dir, 'log/exchange.log'), 'utf8');
  expect(log).toContain('exchange_client');
  expect(log).not.toContain(exchange.clientSecret);
  expect(log).not.toMatch(/eyJ[\w-]{5,}\./);
});
