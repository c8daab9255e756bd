// The whole flow of an MCP client on a real Keycloak: discovery, registration, PKCE, login, token, call.
import { describe, expect, test } from '@jest/globals';
import { decodeJwt } from 'jose';
import { connectMcp, eras } from '../oidc/connect.ts';
import { callTool, metadataOf, registered, signInAs, state, workspacesOf } from './support.ts';

test.each([
  ['alice', ['root', 'root:acme', 'root:acme:team-a']],
  ['bob', ['root', 'root:globex', 'root:globex:team-x']],
])(
  '%s registers a client, signs in and sees exactly the workspaces that kcp lets them into',
  async (name, expected) => {
    const { accessToken } = await signInAs(name, state.passthrough);
    expect(await workspacesOf(state.passthrough, accessToken)).toEqual(expected);
  },
);

test('id and access tokens are both accepted: aud of the one is an array, of the other a string', async () => {
  const { accessToken, idToken = '', clientID } = await signInAs('alice', state.passthrough);
  expect(decodeJwt(accessToken).aud).toBe('kcp');
  expect(decodeJwt(idToken).aud).toEqual([clientID, 'kcp']);
  for (const token of [accessToken, idToken]) {
    const { isError, text } = await callTool(state.passthrough, token, 'namespaces_list', {
      workspace: 'root:acme:team-a',
    });
    expect(isError).toBe(false);
    expect(text).toMatch(/^default\s/m);
  }
});

test.each(eras)('a client of the %s era lists tools with the token', async (era) => {
  const { accessToken } = await signInAs('bob', state.passthrough);
  const client = await connectMcp({ mcpURL: state.passthrough, accessToken, ca: state.caFile, era });
  expect((await client.listTools()).map(({ name }) => name)).toContain('kcp_workspaces_list');
  await client.close();
});

describe('a registration that names its scopes loses the default scopes of the realm', () => {
  test('so the metadata publishes all that a right token needs, and clients copy that', async () => {
    expect(await metadataOf(state.passthrough)).toMatchObject({
      resource: state.passthrough,
      authorization_servers: [state.issuerURL],
      scopes_supported: ['openid', 'email', 'groups', 'kcp-audience'],
    });
    const { scope = '', accessToken } = await signInAs('alice', state.passthrough);
    // kcp-audience and offline_access aren't named in tokens, the others are.
    expect(scope.split(' ').sort()).toEqual(expect.arrayContaining(['email', 'groups', 'openid']));
    expect(decodeJwt(accessToken)).toMatchObject({ aud: 'kcp', email: 'alice@example.com', groups: ['devs'] });
  });

  test('one that names none keeps them', async () => {
    const client = await registered();
    const { accessToken } = await signInAs('alice', state.passthrough, { client, scope: 'openid' });
    expect(decodeJwt(accessToken)).toMatchObject({ aud: 'kcp', groups: ['devs'] });
    expect(await workspacesOf(state.passthrough, accessToken)).toContain('root:acme:team-a');
  });

  test('one that names others gets neither audience nor groups', async () => {
    const { accessToken } = await signInAs('alice', state.passthrough, { scope: 'openid email' });
    const claims = decodeJwt(accessToken);
    expect(claims).not.toHaveProperty('aud');
    expect(claims).not.toHaveProperty('groups');
  });
});
