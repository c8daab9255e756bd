// The keys of the token exchange (RFC 8693): what the caller's token is exchanged for before kcp sees it.
import * as z from 'zod';
import { names, notYet, text } from './fields.ts';

const STRATEGY = 'must be "rfc8693" or "keycloak-v1"';
const ENTRA =
  'is not supported yet: Entra ID\'s on-behalf-of flow is another protocol; write "rfc8693" with a provider that has RFC 8693, ' +
  "or remove the keys of the exchange and let callers' tokens have kcp's audience";
const BY_ASSERTION = 'the client proves itself with its secret only';
const SCOPES = 'must be a list of scope names';

const strategy = z
  .enum(['rfc8693', 'keycloak-v1'], { error: ({ input }) => (input === 'entra-obo' ? ENTRA : STRATEGY) })
  .optional();
const clientId = text('must be the client id that exchanges tokens').optional();
const clientSecret = text('must be the secret of that client').optional();
const audience = text('must be the audience that kcp expects in tokens, such as "kcp"').optional();
const tokenType = text('must be a token type such as "urn:ietf:params:oauth:token-type:access_token"').optional();

/** How the client proves itself: one of `ours`; of those that upstream has beside them it is said that they come later. */
const method = <const T extends string>(ours: readonly [T, T], later: readonly string[], meaning: string) =>
  z
    .enum(ours, {
      error: ({ input }) =>
        later.includes(input as string)
          ? `is not supported yet: ${BY_ASSERTION}; write "${ours[0]}" or "${ours[1]}"`
          : `must be "${ours[0]}" or "${ours[1]}" ${meaning}`,
    })
    .optional();

const clientAuth = z.strictObject({
  method: method(['client_secret_post', 'client_secret_basic'], ['private_key_jwt', 'jwt_file'], '(RFC 7591)'),
  client_id: clientId,
  client_secret: clientSecret,
  certificate_file: notYet(`remove the key: ${BY_ASSERTION}`),
  private_key_file: notYet(`remove the key: ${BY_ASSERTION}`),
  token_file: notYet(`remove the key: ${BY_ASSERTION}`),
});

/** The keys at the top of the file; they are upstream's, in both forms that it has had. */
export const exchangeKeys = {
  token_exchange: z
    .strictObject({
      strategy,
      audience,
      scopes: names(SCOPES).optional(),
      subject_token_type: tokenType,
      requested_token_type: tokenType,
      client_auth: clientAuth.prefault({}),
    })
    .optional(),
  // Until upstream's 0.0.6x these stood alone; its newer releases refuse them.
  token_exchange_strategy: strategy,
  sts_client_id: clientId,
  sts_client_secret: clientSecret,
  sts_audience: audience,
  sts_scopes: names(SCOPES).optional(),
  sts_auth_style: method(['params', 'header'], ['assertion', 'federated'], '(the body, or HTTP Basic)'),
  sts_client_cert_file: notYet(`remove the key: ${BY_ASSERTION}`),
  sts_client_key_file: notYet(`remove the key: ${BY_ASSERTION}`),
  sts_federated_token_file: notYet(`remove the key: ${BY_ASSERTION}`),
};

/** The key in `[toolset_configs.kcp]`: ours, for upstream reads no secret from a file. */
export const exchangeFileKeys = {
  /** Read anew for each exchange, so that a rotated secret counts at once. */
  token_exchange_client_secret_file: text('must be the path of a file with the secret of the client').optional(),
};

/** What the exchange has to do with. */
export type ExchangeKeys = z.output<z.ZodObject<typeof exchangeKeys>> & {
  readonly oauth_audience?: string | undefined;
  readonly server_url?: string | undefined;
  readonly toolset_configs: { readonly kcp: { readonly token_exchange_client_secret_file?: string | undefined } };
};

/** What an exchange needs to know, once it is known to be wanted. */
export interface ExchangeSettings {
  readonly strategy: 'rfc8693' | 'keycloak-v1';
  readonly clientId: string;
  /** The secret itself, or the file that holds it. */
  readonly secret: { readonly value: string } | { readonly file: string };
  readonly audience: string;
  readonly scopes: readonly string[];
  /** What is said of the caller's token; undefined: what it looks like. */
  readonly subjectTokenType?: string | undefined;
  /** undefined: an access token, or nothing where the strategy has no such parameter. */
  readonly requestedTokenType?: string | undefined;
  readonly authMethod: 'client_secret_post' | 'client_secret_basic';
}

type Written = z.output<NonNullable<typeof exchangeKeys.token_exchange>>;

/** The older keys and what they are called in the table. */
const OLDER = {
  token_exchange_strategy: 'strategy',
  sts_client_id: 'client_auth.client_id',
  sts_client_secret: 'client_auth.client_secret',
  sts_audience: 'audience',
  sts_scopes: 'scopes',
  sts_auth_style: 'client_auth.method',
} as const satisfies Partial<Record<keyof typeof exchangeKeys, string>>;

/** Upstream's own defaults are empty: they ask for nothing. */
const olderGiven = (config: ExchangeKeys) =>
  (Object.keys(OLDER) as (keyof typeof OLDER)[]).filter((key) => (config[key]?.length ?? 0) > 0);

/** What is written about the exchange in either form; undefined: nothing. */
function written(config: ExchangeKeys): Written {
  if (config.token_exchange !== undefined) return config.token_exchange;
  if (olderGiven(config).length === 0) return undefined;
  return {
    strategy: config.token_exchange_strategy,
    audience: config.sts_audience,
    scopes: config.sts_scopes,
    client_auth: {
      method: config.sts_auth_style === 'header' ? 'client_secret_basic' : 'client_secret_post',
      client_id: config.sts_client_id,
      client_secret: config.sts_client_secret,
    },
  };
}

/** The settings of the exchange; undefined where the caller's own token goes to kcp. */
export function exchangeOf(config: ExchangeKeys): ExchangeSettings | undefined {
  const found = written(config);
  const { token_exchange_client_secret_file: file } = config.toolset_configs.kcp;
  const { client_id: clientId, client_secret: value, method: authMethod } = found?.client_auth ?? {};
  if (found?.audience === undefined || clientId === undefined) return undefined;
  if (value === undefined && file === undefined) return undefined;
  return {
    strategy: found.strategy ?? 'rfc8693',
    clientId,
    secret: file === undefined ? { value: value ?? '' } : { file },
    audience: found.audience,
    scopes: found.scopes ?? [],
    subjectTokenType: found.subject_token_type,
    requestedTokenType: found.requested_token_type,
    authMethod: authMethod ?? 'client_secret_post',
  };
}

const FILE = ['toolset_configs', 'kcp', 'token_exchange_client_secret_file'];

/** Paths of the keys of an exchange that have a value. */
export function exchangeKeysGiven(config: ExchangeKeys): string[][] {
  const { token_exchange_client_secret_file: file } = config.toolset_configs.kcp;
  return [
    ...(config.token_exchange === undefined ? [] : [['token_exchange']]),
    ...olderGiven(config).map((key) => [key]),
    ...(file === undefined ? [] : [FILE]),
  ];
}

/** Checks what one key can't tell: that the keys make up an exchange, and one that changes the audience. */
export function checkExchange(config: ExchangeKeys, context: z.RefinementCtx): void {
  const { token_exchange_client_secret_file: file } = config.toolset_configs.kcp;
  const older = olderGiven(config);
  const found = written(config);
  const asking = config.token_exchange === undefined ? older[0] : 'token_exchange';
  const first = asking ?? (file === undefined ? undefined : FILE.join('.'));
  if (first === undefined) return;
  const problem = (path: readonly string[], message: string) => {
    context.addIssue({ code: 'custom', path: [...path], message });
  };
  if (config.token_exchange !== undefined) {
    for (const key of older) problem([key], `is the older name of token_exchange.${OLDER[key]}; write it there only`);
  }
  const inTable = older.length === 0;
  const at = {
    clientId: inTable ? ['token_exchange', 'client_auth', 'client_id'] : ['sts_client_id'],
    secret: inTable ? ['token_exchange', 'client_auth', 'client_secret'] : ['sts_client_secret'],
    audience: inTable ? ['token_exchange', 'audience'] : ['sts_audience'],
  };
  const needed = (what: string) => `must be ${what}: ${first} asks for a token exchange, which needs it`;
  const { client_id: id, client_secret: secret } = found?.client_auth ?? {};
  if (id === undefined) problem(at.clientId, needed('the client id that exchanges tokens'));
  if (found?.audience === undefined)
    problem(at.audience, needed('the audience that kcp expects in tokens, such as "kcp"'));
  if (secret === undefined && file === undefined) {
    problem(at.secret, `${needed('the secret of that client')}; ${FILE.join('.')} names a file instead`);
  }
  if (secret !== undefined && file !== undefined)
    problem(FILE, `goes in place of ${at.secret.join('.')}; remove one of the two`);
  if (found?.audience !== undefined && found.audience === config.oauth_audience) {
    problem(
      at.audience,
      `is oauth_audience, too, so there is nothing to exchange: write this server's own audience in oauth_audience ` +
        `("${config.server_url}/mcp" is what MCP clients ask for), or remove the keys of the exchange`,
    );
  }
}
