import { describe, expect, test } from '@jest/globals';
import { RESOURCE, SECRET, useExchange } from '../testing/exchange.ts';
import { sendToken } from '../testing/issuer.ts';
import { TokenExchangeError } from './exchange-error.ts';

const it = useExchange();

/** Answers with an OAuth error. */
const refuses = (status: number, error: unknown, description?: unknown) => (): void => {
  it.provider.answerToken = (_, res) => {
    sendToken(res, { error, error_description: description }, status);
  };
};

describe('a refusal is told with its cause and its cure', () => {
  // Keycloak's own words, as e2e/scenarios-keycloak finds them.
  test.each<[string, () => void, string, string[]]>([
    [
      'a wrong secret',
      refuses(401, 'unauthorized_client', 'Invalid client or Invalid client credentials'),
      'client',
      [
        'answered unauthorized_client: "Invalid client or',
        `no client ${RESOURCE} with this secret`,
        'token_exchange.client_auth.client_id',
      ],
    ],
    [
      'an unknown client',
      refuses(401, 'invalid_client', 'Invalid client or Invalid client credentials'),
      'client',
      ['client_auth.client_id and the secret must be'],
    ],
    [
      'a client that may not exchange',
      refuses(400, 'invalid_request', 'Standard token exchange is not enabled for the requested client'),
      'not_allowed',
      [`client ${RESOURCE} may not exchange tokens`, '"Standard token exchange" in the capability config'],
    ],
    ['the same by its code', refuses(400, 'unauthorized_client'), 'not_allowed', ['grant-type:token-exchange']],
    ['no exchange at all', refuses(400, 'unsupported_grant_type'), 'not_allowed', ['grant-type:token-exchange']],
    [
      'an unknown audience',
      refuses(400, 'invalid_client', 'Audience not found'),
      'audience',
      ['audience kcp (token_exchange.audience)', 'audience mapper'],
    ],
    [
      'an audience that the client may not have',
      refuses(400, 'invalid_request', 'Requested audience not available: kcp'),
      'audience',
      [`client scope of client ${RESOURCE} needs an audience mapper`],
    ],
    ['the same by its code', refuses(400, 'invalid_target'), 'audience', ['token_exchange.audience']],
    [
      "a caller's token without the client in aud",
      refuses(403, 'access_denied', 'Client is not within the token audience'),
      'subject_audience',
      [`must name client ${RESOURCE} in aud`, 'audience mapper', '(openid mcp)'],
    ],
    [
      'a session that has ended',
      refuses(400, 'invalid_request', 'Invalid token'),
      'subject_token',
      ['sign out of this server in your client, and in again'],
    ],
    ['a scope', refuses(400, 'invalid_scope', 'Invalid scopes: nope'), 'scope', ['token_exchange.scopes']],
    ['something else', refuses(400, 'teapot'), 'refused', ['answered teapot. ', 'log of the identity provider']],
    ['a provider that is busy', refuses(429, 'slow_down'), 'busy', ['Try again in a moment']],
    ['a provider that failed', refuses(500, 'server_error', 'oops'), 'busy', ['server_error: "oops"', 'Try again']],
  ])('%s', async (_, arrange, kind, parts) => {
    arrange();
    const error = await it.failure();
    expect(error.failure).toBe(kind);
    expect(error.message).toMatch(/^Your token could not be exchanged for one that kcp takes: /);
    for (const part of parts) expect(error.message).toContain(part);
  });

  test('an id token where only access tokens are exchanged', async () => {
    refuses(400, 'invalid_request', "Parameter 'subject_token' supports access tokens only")();
    const error = await it.failure({}, { typ: 'ID' });
    expect(error.failure).toBe('subject_token');
    expect(error.message).toContain('have the client send its access token');
  });

  test('whatever the provider writes is on one line, short, visible, and holds no token and no secret', async () => {
    const own = await it.caller();
    refuses(400, 'bad', `a\u202eb\n"c" ${SECRET} Bearer ${own.token} ${'x'.repeat(5_000)}`)();
    const { message } = await it.failure();
    expect(message).toContain("answered bad: \"ab 'c' [redacted] Bearer [redacted]");
    expect(message.length).toBeLessThan(1_000);
    refuses(400, 'bad\nerror')();
    it.results = [];
    expect((await it.failure()).message).toContain('400 without an OAuth error');
  });

  test('it is not kept: the next call asks again', async () => {
    refuses(400, 'invalid_client', 'Audience not found')();
    const upstream = it.exchange();
    const principal = await it.caller();
    await expect(upstream.forKcp(principal)).rejects.toThrow(TokenExchangeError);
    it.provider.answerToken = undefined;
    await expect(upstream.forKcp(principal)).resolves.toMatchObject({ exchangedFor: 'kcp' });
  });
});

describe('an answer that is none', () => {
  const answers = (changes: Record<string, unknown>) => (): void => {
    it.provider.answerToken = (_, res) => {
      sendToken(res, { access_token: 'x', ...changes });
    };
  };
  const sends =
    (status: number, body: string, headers: Record<string, string> = {}) =>
    (): void => {
      it.provider.answerToken = (_, res) => {
        res.writeHead(status, headers);
        res.end(body);
      };
    };

  test.each<[string, () => void, string]>([
    ['no access_token', answers({ access_token: undefined }), 'without an access_token'],
    ['a number for one', answers({ access_token: 7 }), 'without an access_token'],
    ['a header in it', answers({ access_token: 'x\r\nx-evil: 1' }), "access_token that RFC 6750 doesn't allow"],
    ['an empty one', answers({ access_token: '' }), "access_token that RFC 6750 doesn't allow"],
    ['an endless one', answers({ access_token: 'x'.repeat(20_000) }), "access_token that RFC 6750 doesn't allow"],
    ['no token_type', answers({ token_type: undefined }), 'token_type other than Bearer'],
    ['another token_type', answers({ token_type: 'N_A' }), 'token_type other than Bearer'],
    ['not JSON', sends(200, '<html>'), 'without an access_token'],
    ['not an object', sends(200, '"x"'), 'without an access_token'],
    ['null', sends(200, 'null'), 'without an access_token'],
    ['a huge body', sends(200, `{"access_token":"x","pad":"${'x'.repeat(200_000)}"}`), 'with more than 128 KiB'],
    ['a 404', sends(404, 'nothing here'), '404 without an OAuth error'],
  ])('%s', async (_, arrange, part) => {
    arrange();
    const error = await it.failure();
    expect(error.failure).toBe('protocol');
    expect(error.message).toContain(part);
    expect(error.message).toContain('its token endpoint must answer as RFC 8693 says');
  });

  test('a redirect is not followed: nobody else gets the token', async () => {
    sends(307, '', { location: `${it.provider.url}/elsewhere` })();
    const before = it.provider.requests.keys;
    expect((await it.failure()).message).toContain('with a redirect (307)');
    expect(it.provider.tokenRequests).toHaveLength(1);
    expect(it.provider.requests.keys).toBe(before);
  });

  test('a provider that answers nothing is not waited for longer than allowed', async () => {
    it.provider.answerToken = () => undefined;
    const error = await it.failure({}, {}, { timeoutMs: 50 });
    expect(error.failure).toBe('timeout');
    expect(error.message).toContain("didn't answer within 0.05 s. Try again in a moment.");
  });

  test('nor one that never comes to an end', async () => {
    it.provider.answerToken = (_, res) => {
      res.writeHead(200);
      res.write('{"access_token":');
    };
    expect((await it.failure({}, {}, { timeoutMs: 50 })).failure).toBe('timeout');
  });
});

describe('an exchange that is not possible', () => {
  test('where nobody listens: the host, and who can mend it', async () => {
    const gone = { url: it.provider.url, metadata: () => ({ issuer: it.provider.url, jwks_uri: '', token_endpoint: 'https://127.0.0.1:1/' }) }; // prettier-ignore
    const error = await it.failure({}, {}, { issuer: gone });
    expect(error.failure).toBe('unreachable');
    expect(error.message).toContain("at 127.0.0.1:1 can't be reached from this server: ECONNREFUSED (nothing listens");
  });

  test('where another CA is trusted', async () => {
    expect((await it.failure({}, {}, { caFile: undefined })).message).toContain('its TLS certificate is not trusted');
  });

  test.each([
    ['no token endpoint', undefined],
    ['one without TLS', 'http://localhost/token'],
    ['one that is no address', 'token'],
  ])('where the discovery document has %s', async (_, endpoint) => {
    const metadata = () => ({ issuer: it.provider.url, jwks_uri: '', token_endpoint: endpoint });
    const error = await it.failure({}, {}, { issuer: { url: it.provider.url, metadata } });
    expect(error.failure).toBe('setup');
    expect(error.message).toContain(`the discovery document of ${it.provider.url} names no https token_endpoint`);
  });

  test('where the metadata is not loaded yet', async () => {
    const error = await it.failure({}, {}, { issuer: { url: it.provider.url, metadata: () => undefined } });
    expect(error.failure).toBe('busy');
  });

  test('where the file of the secret is gone', async () => {
    const error = await it.failure({ secret: { file: '/nowhere/client-secret' } });
    expect(error.failure).toBe('setup');
    expect(error.message).toContain(
      '/nowhere/client-secret (toolset_configs.kcp.token_exchange_client_secret_file) gives ENOENT',
    );
  });
});
