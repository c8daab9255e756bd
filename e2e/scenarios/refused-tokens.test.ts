import { afterAll, describe, expect, test } from '@jest/globals';
import { Agent, fetch } from 'undici';
import { readFileSync } from 'node:fs';
import { hostileTokens } from '../oidc/test-tokens.ts';
import { kcpRequests, state } from './support.ts';

const dispatcher = new Agent({ connect: { ca: readFileSync(state.caFile) } });
const resource = state.mcpURL;
const tokens = Object.entries(await hostileTokens(state.issuer));

afterAll(() => dispatcher.close());

const post = (authorization?: string): ReturnType<typeof fetch> =>
  fetch(state.mcpURL, {
    dispatcher,
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...(authorization === undefined ? {} : { authorization }),
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'kcp_workspaces_list' } }),
  });

describe('a request that may not pass gets 401, a challenge (RFC 9728), and never reaches kcp', () => {
  const metadata = `${new URL(resource).origin}/.well-known/oauth-protected-resource/mcp`;

  test('without a token', async () => {
    const before = (await kcpRequests()).length;
    const response = await post();
    await response.text();
    expect(response.status).toBe(401);
    const challenge = response.headers.get('www-authenticate') ?? '';
    expect(challenge).toMatch(/^Bearer /);
    expect(challenge).toContain(`resource_metadata="${metadata}"`);
    // RFC 6750 §3.1: no error code when no credentials were sent.
    expect(challenge).not.toContain('error=');
    expect((await kcpRequests()).length).toBe(before);
  });

  test.each(tokens)('with a token %s', async (_what, token) => {
    const before = (await kcpRequests()).length;
    const response = await post(`Bearer ${token}`);
    expect(response.status).toBe(401);
    const challenge = response.headers.get('www-authenticate') ?? '';
    expect(challenge).toContain(`resource_metadata="${metadata}"`);
    expect(challenge).toContain('error="invalid_token"');
    expect(challenge).not.toContain(token);
    expect(await response.text()).not.toContain(token);
    expect((await kcpRequests()).length).toBe(before);
  });

  test('the metadata names the resource and the issuer', async () => {
    const document = (await (await fetch(metadata, { dispatcher })).json()) as Record<string, unknown>;
    expect(document).toMatchObject({ resource, authorization_servers: [state.issuer.issuerURL] });
  });
});
