import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { TokenExchangeError } from '../auth/exchange-error.ts';
import { createPrincipal, type Principal } from '../auth/principal.ts';
import type { UpstreamTokens } from '../auth/upstream.ts';
import { runtimeConfigSchema } from '../config/schema.ts';
import { InputNeeded, NOBODY } from '../interaction.ts';
import { createKcpClient, type KcpClient } from '../kcp/client.ts';
import { recorded, startFakeKcp, tokenOf, type FakeKcp } from '../testing/fake-kcp.ts';
import { principalOf } from '../testing/principals.ts';
import { createToolset, type Toolset } from './index.ts';

// What kcp gets is another token than the caller's: the fake kcp knows the exchanged one only.

let fake: FakeKcp;
let kcp: KcpClient;
let toolset: Toolset;
let audited: Record<string, string>[];
/** Whom a token was asked for. */
let asked: string[];
let refusal: TokenExchangeError | undefined;

const upstream: UpstreamTokens = {
  forKcp: (principal) => {
    asked.push(principal.token);
    if (refusal !== undefined) return Promise.reject(refusal);
    return Promise.resolve(createPrincipal({ ...principal, token: tokenOf('alice'), exchangedFor: 'kcp' }));
  },
};

beforeAll(async () => {
  fake = await startFakeKcp();
});
afterAll(() => fake.stop());
beforeEach(() => {
  asked = [];
  audited = [];
  refusal = undefined;
  kcp = createKcpClient({ kubeconfig: fake.kubeconfig });
  const config = runtimeConfigSchema.parse({
    kubeconfig: '/unused',
    oauth_audience: 'https://mcp.test/mcp',
    authorization_url: 'https://issuer.test',
    server_url: 'https://mcp.test',
  });
  toolset = createToolset({ kcp, config, upstream });
});
afterEach(async () => {
  fake.reset();
  await kcp.close();
});

const caller: Principal = createPrincipal({ ...principalOf('alice'), token: 'for-this-server-only' });
const context = () => ({
  principal: caller,
  signal: new AbortController().signal,
  audit: (fields: Record<string, string>) => audited.push(fields),
  progress: () => undefined,
  interaction: NOBODY,
});
const call = async (name: string, args: unknown = {}) => {
  const result = await toolset.call(name, args, context());
  if (result instanceof InputNeeded) throw result;
  const { content, isError = false } = result;
  const [first] = content;
  return { text: first?.type === 'text' ? first.text : '', isError };
};

describe('a call', () => {
  test('reaches kcp with the exchanged token only', async () => {
    expect(await call('namespaces_list')).toMatchObject({ isError: false });
    expect(await call('kcp_workspaces_list')).toMatchObject({ isError: false });
    expect(new Set(fake.seen.map(({ user }) => user))).toEqual(new Set(['alice']));
    expect(asked).toEqual(['for-this-server-only', 'for-this-server-only']);
  });

  test('that failed is explained with the exchanged token, too', async () => {
    const { text } = await call('namespaces_list', { workspace: 'root:acme:team-b' });
    expect(text).toContain('You may enter 3 workspaces');
    expect(new Set(fake.seen.map(({ user }) => user))).toEqual(new Set(['alice']));
  });

  test('ends with the cause and the cure where there is no token for kcp, and asks kcp nothing', async () => {
    refusal = new TokenExchangeError('client', 'the issuer said no', 'Do something about it.');
    expect(await call('namespaces_list')).toEqual({
      isError: true,
      text: 'Your token could not be exchanged for one that kcp takes: the issuer said no. Do something about it.',
    });
    expect(audited).toEqual([{ result: 'exchange_client' }]);
    expect(fake.seen).toEqual([]);
  });

  test('whose exchanged token kcp rejects is explained in its terms', async () => {
    fake.handlers.push(() => ({ status: 401, body: recorded('bad-token') }));
    const { text, isError } = await call('namespaces_list');
    expect(isError).toBe(true);
    expect(text).toContain('rejects the token that this server got for alice@example.com in exchange (401)');
    expect(text).toContain('audience "kcp" (token_exchange.audience)');
    expect(text).toContain('--oidc-username-claim');
  });
});

test('listing tools asks for no token', () => {
  expect(toolset.list().length).toBeGreaterThan(0);
  expect(asked).toEqual([]);
});

describe('a completion', () => {
  test('comes from the workspaces that the exchanged token sees', async () => {
    expect(await toolset.complete('workspace', 'root:a', context())).toEqual(['root:acme', 'root:acme:team-a']);
    expect(new Set(fake.seen.map(({ user }) => user))).toEqual(new Set(['alice']));
  });

  test('of what is no workspace asks for no token', async () => {
    expect(await toolset.complete('name', 'x', context())).toEqual([]);
    expect(asked).toEqual([]);
  });

  test('offers nothing where there is no token for kcp', async () => {
    refusal = new TokenExchangeError('timeout', 'x', 'y');
    expect(await toolset.complete('workspace', '', context())).toEqual([]);
  });
});
