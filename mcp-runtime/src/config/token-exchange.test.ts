import { describe, expect, test } from '@jest/globals';
import { ConfigError, parseConfig } from './load.ts';
import { exchangeOf } from './token-exchange.ts';

/** A file for an exchange; a key set to undefined is left out, and `file` is the key in our own table. */
function source(changes: Record<string, unknown> = {}, file?: string): string {
  const keys: Record<string, unknown> = {
    kubeconfig: '/k',
    oauth_audience: 'https://mcp.example.com/mcp',
    authorization_url: 'https://auth.example.com',
    server_url: 'https://mcp.example.com',
    sts_client_id: 'mcp',
    sts_client_secret: 'hunter2',
    sts_audience: 'kcp',
    ...changes,
  };
  const lines = Object.entries(keys).flatMap(([key, value]) =>
    value === undefined ? [] : [`${key} = ${JSON.stringify(value)}`],
  );
  if (file !== undefined) lines.push('[toolset_configs.kcp]', fileKey(file));
  return lines.join('\n');
}

const fileKey = (file: string) => `token_exchange_client_secret_file = ${JSON.stringify(file)}`;

/** The same in upstream's newer form; `table` and `clientAuth` are the lines of its two tables. */
function tables(table: readonly string[], clientAuth: readonly string[], file?: string): string {
  const top = source(NONE);
  const rest = file === undefined ? [] : ['[toolset_configs.kcp]', fileKey(file)];
  return [top, '[token_exchange]', ...table, '[token_exchange.client_auth]', ...clientAuth, ...rest].join('\n');
}

const NONE = { sts_client_id: undefined, sts_client_secret: undefined, sts_audience: undefined };

function problems(text: string): readonly string[] {
  try {
    parseConfig(text, 'config.toml');
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

const settings = (text: string) => exchangeOf(parseConfig(text, 'config.toml'));
describe('a right exchange', () => {
  const right = {
    strategy: 'rfc8693',
    clientId: 'mcp',
    secret: { value: 'hunter2' },
    audience: 'kcp',
    scopes: [],
    authMethod: 'client_secret_post',
  };

  test("is asked for by upstream's older keys and by its table, RFC 8693 and a body by default", () => {
    expect(settings(source())).toEqual(right);
    expect(settings(tables(['audience = "kcp"'], ['client_id = "mcp"', 'client_secret = "hunter2"']))).toEqual(right);
  });

  test('as the operator writes it: strategy, audience and client in the table, the secret in a file', () => {
    const text = tables(['strategy = "rfc8693"', 'audience = "kcp"'], ['client_id = "mcp"'], '/secret');
    expect(settings(text)).toEqual({ ...right, secret: { file: '/secret' } });
  });

  test('has every other setting of the table', () => {
    const table = [
      'strategy = "keycloak-v1"',
      'audience = "kcp"',
      'scopes = ["groups"]',
      'subject_token_type = "urn:a"',
      'requested_token_type = "urn:b"',
    ];
    const auth = ['method = "client_secret_basic"', 'client_id = "mcp"', 'client_secret = "hunter2"'];
    expect(settings(tables(table, auth))).toEqual({
      ...right,
      strategy: 'keycloak-v1',
      scopes: ['groups'],
      subjectTokenType: 'urn:a',
      requestedTokenType: 'urn:b',
      authMethod: 'client_secret_basic',
    });
  });

  test('has every other setting of the older keys', () => {
    const changes = {
      sts_client_secret: undefined,
      token_exchange_strategy: 'keycloak-v1',
      sts_scopes: ['groups'],
      sts_auth_style: 'header',
    };
    expect(settings(source(changes, '/secret'))).toEqual({
      strategy: 'keycloak-v1',
      clientId: 'mcp',
      secret: { file: '/secret' },
      audience: 'kcp',
      scopes: ['groups'],
      authMethod: 'client_secret_basic',
    });
  });

  test("is none without its keys, upstream's empty default of sts_scopes included", () => {
    expect(settings(source(NONE))).toBeUndefined();
    expect(settings(source({ ...NONE, sts_scopes: [] }))).toBeUndefined();
  });
});

describe('a wrong one names the key, the value and the cure', () => {
  test.each<[string, string, string]>([
    [
      "Entra's own protocol",
      source({ token_exchange_strategy: 'entra-obo' }),
      'token_exchange_strategy = "entra-obo": is not supported yet: Entra ID\'s on-behalf-of flow is another protocol; write "rfc8693"',
    ],
    [
      'a strategy that nobody knows',
      source({ token_exchange_strategy: 'magic' }),
      'token_exchange_strategy = "magic": must be "rfc8693" or "keycloak-v1"',
    ],
    [
      'a client certificate',
      source({ sts_auth_style: 'assertion' }),
      'sts_auth_style = "assertion": is not supported yet: the client proves itself with its secret only; write "params" or "header"',
    ],
    [
      'a federated token',
      source({ sts_auth_style: 'federated' }),
      'sts_auth_style = "federated": is not supported yet: the client proves itself with its secret only; write "params"',
    ],
    [
      'another style',
      source({ sts_auth_style: 'post' }),
      'sts_auth_style = "post": must be "params" or "header" (the body, or HTTP Basic)',
    ],
    [
      'the file of a certificate',
      source({ sts_client_cert_file: '/c' }),
      'sts_client_cert_file = "/c": is not supported yet; remove the key',
    ],
    [
      'no client',
      source({ sts_client_id: undefined }),
      'sts_client_id is missing: it must be the client id that exchanges tokens: sts_client_secret asks for a token exchange',
    ],
    [
      'no audience',
      source({ sts_audience: undefined }),
      'sts_audience is missing: it must be the audience that kcp expects in tokens',
    ],
    [
      'no secret',
      source({ sts_client_secret: undefined }),
      'sts_client_secret is missing: it must be the secret of that client: sts_client_id asks for a token exchange, which needs it; toolset_configs.kcp.token_exchange_client_secret_file names a file instead',
    ],
    [
      'two secrets',
      source({}, '/secret'),
      'toolset_configs.kcp.token_exchange_client_secret_file = "/secret": goes in place of sts_client_secret; remove one of the two',
    ],
    [
      'the same audience on both sides',
      source({ oauth_audience: 'kcp' }),
      'sts_audience = "kcp": is oauth_audience, too, so there is nothing to exchange: write this server\'s own audience in oauth_audience ("https://mcp.example.com/mcp"',
    ],
    [
      'no client in the table',
      tables(['audience = "kcp"'], ['client_secret = "hunter2"']),
      'token_exchange.client_auth.client_id is missing: it must be the client id that exchanges tokens: token_exchange asks',
    ],
    [
      'no audience in the table',
      tables([], ['client_id = "mcp"', 'client_secret = "hunter2"']),
      'token_exchange.audience is missing: it must be the audience that kcp expects in tokens',
    ],
    [
      'a key in a client that proves itself otherwise',
      tables(['audience = "kcp"'], ['client_id = "mcp"', 'client_secret = "hunter2"', 'method = "private_key_jwt"']),
      'token_exchange.client_auth.method = "private_key_jwt": is not supported yet: the client proves itself with its secret only; write "client_secret_post"',
    ],
    [
      'a key that upstream has not either',
      tables(['audience = "kcp"', 'token_url = "x"'], ['client_id = "mcp"', 'client_secret = "hunter2"']),
      'token_exchange.token_url: unknown key',
    ],
    [
      'both forms',
      `token_exchange_strategy = "rfc8693"\n${tables(['audience = "kcp"'], ['client_id = "mcp"'], '/secret')}`,
      'token_exchange_strategy = "rfc8693": is the older name of token_exchange.strategy; write it there only',
    ],
  ])('%s', (_, text, expected) => {
    expect(problems(text)).toEqual([expect.stringContaining(expected)]);
  });

  test('the file of a secret alone is no setting without effect', () => {
    expect(problems(source(NONE, '/secret')).map((text) => /: (\S+) is missing/.exec(text)?.[1])).toEqual([
      'token_exchange.client_auth.client_id',
      'token_exchange.audience',
    ]);
  });

  test.each<[string, Record<string, unknown>]>([
    ['a strategy', { token_exchange_strategy: 'rfc8693' }],
    ['scopes', { sts_scopes: ['groups'] }],
    ['a style', { sts_auth_style: 'header' }],
  ])('%s alone is no setting without effect', (_, changes) => {
    expect(problems(source({ ...NONE, ...changes })).map((text) => /: (\w+) is missing/.exec(text)?.[1])).toEqual([
      'sts_client_id',
      'sts_audience',
      'sts_client_secret',
    ]);
  });

  test('and never shows a secret', () => {
    for (const text of [source({ sts_audience: undefined }), source({ oauth_audience: 'kcp' }), source({}, '/s')]) {
      expect(problems(text).join('\n')).not.toContain('hunter2');
    }
  });
});
