import type { ExchangeSettings } from '../config/token-exchange.ts';
import { errorCode } from '../kcp/errors.ts';
import { reachability } from '../kcp/explain.ts';
import { operators, refusalOf, refused, TokenExchangeError, type Exchanger } from './exchange-error.ts';
import { requestIssuer, type IssuerAnswer } from './issuer-request.ts';

/** A token that the identity provider gave in exchange. */
export interface ExchangedToken {
  readonly token: string;
  /** Lifetime that came with it (`expires_in`), in seconds; undefined where none usable did. */
  readonly expiresIn: number | undefined;
}

export interface ExchangeRequest {
  /** `token_endpoint` of the issuer, https. */
  readonly url: string;
  readonly caFile: string | undefined;
  readonly settings: ExchangeSettings;
  /** The content of the secret. */
  readonly secret: string;
  readonly subjectToken: string;
  readonly isIdToken: boolean;
  readonly exchanger: Exchanger;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** Several of the largest tokens. */
const MAX_BYTES = 128 * 1024;
const MAX_TOKEN_LENGTH = 16 * 1024;
/** RFC 6750 §2.1. */
const BEARER_TOKEN = /^[A-Za-z0-9\-._~+/]+=*$/;
const URN = 'urn:ietf:params:oauth:';

/**
 * Exchanges one token at the identity provider (RFC 8693 §2).
 *
 * @throws {TokenExchangeError}
 */
export async function exchangeToken(request: ExchangeRequest): Promise<ExchangedToken> {
  const { statusCode, text } = await send(request);
  const { exchanger, isIdToken, secret } = request;
  if (statusCode >= 300 && statusCode < 400) throw protocol(request, `with a redirect (${statusCode})`);
  const body = parse(text);
  if (statusCode === 200) return readToken(body, request);
  const refusal = refusalOf(statusCode, body, isIdToken, secret);
  if (refusal !== undefined) throw refused(refusal, exchanger);
  if (statusCode === 429 || statusCode >= 500) {
    const cause = `the identity provider ${exchanger.issuer} answered ${statusCode}`;
    throw new TokenExchangeError('busy', cause, 'Try again in a moment.');
  }
  throw protocol(request, `${statusCode} without an OAuth error`);
}

async function send(request: ExchangeRequest): Promise<IssuerAnswer> {
  const { url, caFile, signal, exchanger, timeoutMs } = request;
  const { headers, body } = message(request);
  try {
    return await requestIssuer({ url, caFile, headers, body, signal, timeoutMs, maxBytes: MAX_BYTES });
  } catch (error) {
    signal.throwIfAborted();
    const { host } = new URL(url);
    if ((error as Error).name === 'TimeoutError') {
      const cause = `the identity provider at ${host} didn't answer within ${timeoutMs / 1_000} s`;
      throw new TokenExchangeError('timeout', cause, 'Try again in a moment.');
    }
    const code = errorCode(error);
    if (code === 'UND_ERR_RES_EXCEEDED_MAX_SIZE') throw protocol(request, `with more than ${MAX_BYTES / 1024} KiB`);
    const cause = `the identity provider at ${host} can't be reached from this server: ${code} (${reachability(code)})`;
    throw new TokenExchangeError('unreachable', cause, operators(`see whether ${exchanger.issuer} is up`));
  }
}

function message({ settings, secret, subjectToken, isIdToken }: ExchangeRequest): {
  headers: Record<string, string>;
  body: string;
} {
  const { strategy, clientId, audience, scopes, authMethod, subjectTokenType } = settings;
  const form = new URLSearchParams({
    grant_type: `${URN}grant-type:token-exchange`,
    subject_token: subjectToken,
    subject_token_type: subjectTokenType ?? `${URN}token-type:${isIdToken ? 'id_token' : 'access_token'}`,
    audience,
  });
  // Keycloak's first version of the exchange gives something else for it.
  const requested =
    settings.requestedTokenType ?? (strategy === 'rfc8693' ? `${URN}token-type:access_token` : undefined);
  if (requested !== undefined) form.set('requested_token_type', requested);
  if (scopes.length > 0) form.set('scope', scopes.join(' '));
  const headers: Record<string, string> = {
    accept: 'application/json',
    'content-type': 'application/x-www-form-urlencoded',
  };
  if (authMethod === 'client_secret_basic') {
    const credentials = `${formEncoded(clientId)}:${formEncoded(secret)}`;
    headers['authorization'] = `Basic ${Buffer.from(credentials).toString('base64')}`;
  } else {
    form.set('client_id', clientId);
    form.set('client_secret', secret);
  }
  return { headers, body: form.toString() };
}

/** RFC 6749 §2.3.1: id and secret are form-encoded before they become Basic credentials, so that either may hold a colon. */
const formEncoded = (text: string) => new URLSearchParams({ '': text }).toString().slice(1);

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function readToken(body: unknown, request: ExchangeRequest): ExchangedToken {
  const answer = (body ?? {}) as Record<string, unknown>;
  const { access_token: token, token_type: type, expires_in: lifetime } = answer;
  if (typeof token !== 'string') throw protocol(request, 'without an access_token');
  // The token itself is nobody's to see, so why it can't be used is all that is said.
  if (token.length > MAX_TOKEN_LENGTH || !BEARER_TOKEN.test(token)) {
    throw protocol(request, "with an access_token that RFC 6750 doesn't allow");
  }
  // RFC 8693 §2.2.1: N_A is what other tokens than access tokens are called.
  const types = request.settings.requestedTokenType === undefined ? ['bearer'] : ['bearer', 'n_a'];
  if (typeof type !== 'string' || !types.includes(type.toLowerCase())) {
    throw protocol(request, 'with a token_type other than Bearer');
  }
  const usable = typeof lifetime === 'number' && Number.isFinite(lifetime) && lifetime > 0;
  return { token, expiresIn: usable ? lifetime : undefined };
}

function protocol({ exchanger }: ExchangeRequest, how: string): TokenExchangeError {
  const cause = `the identity provider ${exchanger.issuer} answered the exchange ${how}`;
  return new TokenExchangeError('protocol', cause, operators('its token endpoint must answer as RFC 8693 says'));
}
