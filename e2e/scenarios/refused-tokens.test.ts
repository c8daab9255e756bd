import { afterAll, describe, expect, test } from '@jest/globals';
import { Agent, fetch } from 'undici';
import { readFileSync } from 'node:fs';
import { waitFor } from '../lib/wait.ts';
import { forgeOf } from '../oidc/forge.ts';
import { refusedTokens } from '../oidc/hostile-tokens.ts';
import { host, kcpRequests, mcpAs, state } from './support.ts';

const dispatcher = new Agent({ connect: { ca: readFileSync(state.caFile) } });
const resource = state.mcpURL;
const metadata = `${new URL(resource).origin}/.well-known/oauth-protected-resource/mcp`;
const help = `${new URL(resource).origin}/help`;
const { scopes_supported: scopes = [] } = (await (await fetch(metadata, { dispatcher })).json()) as {
  scopes_supported?: string[];
};
const tokens = await refusedTokens(await forgeOf(state.issuer, { scopes, trapURL: 'https://jwks.invalid' }));

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

/** The parts of a token that are long enough to be its own. */
const partsOf = (token: string): string[] => token.split('.').filter((part) => part.length > 8);

describe('a request that may not pass gets 401, a challenge (RFC 9728), and never reaches kcp', () => {
  test('without a token', async () => {
    const before = (await kcpRequests()).length;
    const response = await post();
    await response.text();
    expect(response.status).toBe(401);
    // RFC 6750 §3.1: no error code when no credentials were sent.
    expect(response.headers.get('www-authenticate')).toBe(`Bearer resource_metadata="${metadata}"`);
    expect((await kcpRequests()).length).toBe(before);
  });

  test.each(tokens)('with a token: %s', async (_what, token, says) => {
    const before = (await kcpRequests()).length;
    const response = await post(`Bearer ${token}`);
    const body = await response.text();
    const challenge = response.headers.get('www-authenticate') ?? '';
    expect({ status: response.status, challenge, body }).toEqual({
      status: 401,
      challenge: `Bearer resource_metadata="${metadata}", error="invalid_token", error_description="${says}"`,
      body: JSON.stringify({ error: 'invalid_token', error_description: says, error_uri: help }),
    });
    for (const part of partsOf(token)) expect(challenge + body).not.toContain(part);
    expect((await kcpRequests()).length).toBe(before);
  });

  test('and all of them leave no trace: nothing of a token in the logs, no restart, the next caller is served', async () => {
    const { namespace, name } = state.server;
    const selector = ['-n', namespace, '-l', `app.kubernetes.io/instance=${name}`];
    // A Pod may be on its way out since an earlier change of the Deployment.
    const logs = await waitFor('the logs', () => host.run(['logs', ...selector, '--tail=-1', '--all-containers']), {
      deadlineMs: 60_000,
    });
    expect(logs).toContain('listening');
    const found = tokens.filter(([, token]) => partsOf(token).some((part) => logs.includes(part)));
    expect(found.map(([what]) => what)).toEqual([]);
    const pods = await host.get<{ items: { status: { containerStatuses: { restartCount: number }[] } }[] }>('pods', ...selector); // prettier-ignore
    const restarts = pods.items.flatMap(({ status }) => status.containerStatuses.map((each) => each.restartCount));
    expect(restarts.length).toBeGreaterThan(0);
    expect(Math.max(...restarts)).toBe(0);
    const client = await mcpAs('alice');
    const result = await client.callTool('kcp_workspaces_list');
    await client.close();
    expect(result.isError).toBe(false);
  });

  test('the metadata names the resource and the issuer', async () => {
    const document = (await (await fetch(metadata, { dispatcher })).json()) as Record<string, unknown>;
    expect(document).toMatchObject({ resource, authorization_servers: [state.issuer.issuerURL] });
  });
});
