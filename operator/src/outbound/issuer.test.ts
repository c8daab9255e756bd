import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createIssuerCheck, type IssuerAnswer } from './issuer.ts';
import { beIssuer, startHttpsServer, type HttpsServer } from './testing/https-server.ts';

const HOST = 'idp.example.com';
const forever = new AbortController().signal;

let server: HttpsServer;
let origin: string;
beforeEach(async () => {
  server = await startHttpsServer([HOST]);
  origin = `https://${HOST}:${server.port}`;
});
afterEach(() => server.close());

const ask = (issuer: string): Promise<IssuerAnswer> =>
  createIssuerCheck({ allowLocal: true })(
    { issuer, ca: server.ca, aliases: [{ ip: '127.0.0.1', hostnames: [HOST] }] },
    forever,
  );

describe('an issuer that is right', () => {
  test.each<[string, string, object, boolean]>([
    ['registers clients', '', {}, true],
    ['has a path', '/realms/kcp', {}, true],
    ['has a slash at its end', '/realms/kcp/', {}, true],
    ['takes client id metadata documents', '', { registration_endpoint: undefined, client_id_metadata_document_supported: true }, true], // prettier-ignore
    ['does neither', '', { registration_endpoint: undefined, client_id_metadata_document_supported: false }, false],
  ])('%s', async (_, path, metadata, registersClients) => {
    beIssuer(server, `${origin}${path}`, metadata);
    expect(await ask(`${origin}${path}`)).toEqual({ outcome: 'verified', registersClients });
  });

  test('registers clients by its OAuth metadata only, which MCP clients read first (RFC 8414)', async () => {
    const issuer = `${origin}/tenant`;
    beIssuer(server, issuer, { registration_endpoint: undefined });
    const path = '/.well-known/oauth-authorization-server/tenant';
    server.answer(path, { issuer, registration_endpoint: `${issuer}/register` });
    expect(await ask(issuer)).toEqual({ outcome: 'verified', registersClients: true });
    server.answer(path, { issuer: `${origin}/other`, registration_endpoint: `${issuer}/register` });
    expect(await ask(issuer)).toEqual({ outcome: 'verified', registersClients: false });
  });
});

describe('one that isn’t', () => {
  test.each([
    ['another name', (name: string) => ({ issuer: `${name}/other` }), { outcome: 'mismatch', named: '/other' }],
    ['a slash too many', (name: string) => ({ issuer: `${name}/` }), { outcome: 'mismatch', named: '/' }],
    ['no name', () => ({ issuer: undefined }), { outcome: 'mismatch', named: '' }],
  ])('%s', async (_, metadata, expected) => {
    beIssuer(server, origin, metadata(origin));
    const named = expected.named === '' ? '' : `${origin}${expected.named}`;
    expect(await ask(origin)).toEqual({ ...expected, named });
  });

  test.each<[string, object | string]>([
    ['is empty', { keys: [] }],
    ['has no list', { keys: 'none' }],
    [
      'has keys for encryption and shared ones only',
      { keys: [{ kty: 'RSA', use: 'enc' }, { kty: 'oct', k: 'aa' }, null] },
    ],
  ])('its key set %s', async (_, jwks) => {
    beIssuer(server, origin);
    server.answer('/jwks', jwks);
    expect(await ask(origin)).toEqual({ outcome: 'no-keys', why: expect.stringContaining(`${origin}/jwks`) });
  });

  test.each([[undefined], ['http://idp.example.com/jwks'], ['/jwks'], [7]])('its jwks_uri is %j', async (jwks_uri) => {
    beIssuer(server, origin, { jwks_uri });
    expect(await ask(origin)).toEqual({ outcome: 'no-keys', why: 'its discovery document has no https jwks_uri' });
    expect(server.requests).toEqual(['/.well-known/openid-configuration']);
  });

  test('its jwks_uri would have the operator sign in somewhere', async () => {
    beIssuer(server, origin, { jwks_uri: `${origin.replace('https://', 'https://admin:hunter2@')}/jwks` });
    expect(await ask(origin)).toEqual({ outcome: 'no-keys', why: 'its jwks_uri holds a user or password' });
    expect(server.requests).toEqual(['/.well-known/openid-configuration']);
  });

  test('it is at a local address: not asked unless that is allowed', async () => {
    const aliases = [{ ip: '127.0.0.1', hostnames: [HOST] }];
    const check = createIssuerCheck({ allowLocal: false });
    const answer = await check({ issuer: origin, ca: server.ca, aliases }, forever);
    expect(answer).toMatchObject({ outcome: 'failed', kind: 'address' });
    expect(server.connections()).toBe(0);
  });

  test('its document isn’t JSON: nothing of it is quoted', async () => {
    server.answer('/.well-known/openid-configuration', '<h1>secret intranet page</h1>');
    const answer = await ask(origin);
    expect(answer).toMatchObject({ outcome: 'failed', kind: 'answer' });
    expect(JSON.stringify(answer)).not.toContain('intranet');
  });

  test('it has none, or only an OAuth one', async () => {
    expect(await ask(origin)).toMatchObject({ kind: 'answer', why: expect.stringMatching(/status 404$/) });
    server.answer('/.well-known/oauth-authorization-server', { issuer: origin });
    expect(await ask(origin)).toMatchObject({ kind: 'answer', why: expect.stringContaining('no OpenID Connect') });
  });

  test('its keys can’t be had', async () => {
    beIssuer(server, origin);
    server.answer('/jwks', (_, response) => response.writeHead(503).end());
    const why = `GET ${origin}/jwks answers with status 503`;
    expect(await ask(origin)).toEqual({ outcome: 'failed', kind: 'answer', why });
  });
});
