import { readFile } from 'node:fs/promises';
import { decodeJwt } from 'jose';
import type { ExchangeSettings } from '../config/token-exchange.ts';
import { limiter } from '../kcp/limiter.ts';
import { SharedCache } from '../kcp/shared-cache.ts';
import { messageOf, type Log } from '../log.ts';
import { operators, TokenExchangeError, type Exchanger, type ExchangeFailure } from './exchange-error.ts';
import type { Issuer, IssuerMetadata } from './issuer.ts';
import { createPrincipal, type Principal } from './principal.ts';
import { exchangeToken, type ExchangedToken } from './token-endpoint.ts';
import type { UpstreamTokens } from './upstream.ts';

export interface ExchangeOptions {
  readonly settings: ExchangeSettings;
  readonly issuer: Pick<Issuer, 'url' | 'metadata'>;
  /** `certificate_authority`. */
  readonly caFile: string | undefined;
  /** Scopes that clients are told to ask for, for messages. */
  readonly callerScopes: readonly string[];
  readonly log: Log;
  /** Called with the outcome of every exchange. */
  readonly onExchange?: (result: 'success' | ExchangeFailure) => void;
  /** How long one exchange may take, in milliseconds. */
  readonly timeoutMs?: number;
  /** Milliseconds since the epoch. */
  readonly clock?: () => number;
}

/** A token is given up that long before it expires, so that what it starts can end: kcp allows no tolerance. */
const MARGIN_MS = 15_000;
const MAX_ENTRIES = 2_048;
/** Characters of all tokens kept, a byte each. */
const MAX_WEIGHT = 4 * 1024 * 1024;
const MAX_AT_ONCE = 8;

interface Kept {
  readonly token: string;
  readonly keepMs: number;
}

/**
 * Exchanges callers' tokens for kcp's audience at the issuer (RFC 8693).
 *
 * What came is kept in memory under the hash of the caller's token, until the first of the two expires. However many calls
 * need it at the same time, one exchange is made; failures aren't kept. The secret is read for each exchange.
 */
export function createTokenExchange(options: ExchangeOptions): UpstreamTokens {
  const { settings, issuer, caFile, callerScopes, log, onExchange, timeoutMs = 10_000, clock = Date.now } = options;
  const { clientId, audience } = settings;
  const exchanger: Exchanger = { issuer: issuer.url, clientId, audience, callerScopes };
  const limit = limiter(MAX_AT_ONCE);
  const cache = new SharedCache<Kept>({
    maxAgeMs: Infinity,
    maxEntries: MAX_ENTRIES,
    maxWeight: MAX_WEIGHT,
    weigh: ({ token }) => token.length,
    keepMs: ({ keepMs }) => keepMs,
    clock,
  });

  async function exchange(principal: Principal, signal: AbortSignal): Promise<Kept> {
    try {
      const url = tokenEndpoint(issuer.metadata(), exchanger);
      const secret = await readSecret(settings.secret).catch((error: unknown) => {
        throw new TokenExchangeError('setup', messageOf(error), operators('mend that file'));
      });
      const isIdToken = looksLikeIdToken(principal.token);
      const subject = { subjectToken: principal.token, isIdToken };
      const request = { url, caFile, settings, secret, ...subject, exchanger, timeoutMs, signal };
      const exchanged = await limit(() => exchangeToken(request));
      onExchange?.('success');
      return { token: exchanged.token, keepMs: lifetimeMs(exchanged, principal, clock()) - MARGIN_MS };
    } catch (error) {
      if (error instanceof TokenExchangeError) {
        // Whoever can mend it reads the log, not the answer.
        log.warn('token exchange failed', { failure: error.failure, error: error.message });
        onExchange?.(error.failure);
      }
      throw error;
    }
  }

  return {
    async forKcp(principal, signal) {
      const { value } = await cache.get(principal.tokenHash, (stop) => exchange(principal, stop), signal);
      return createPrincipal({ ...principal, token: value.token, exchangedFor: audience });
    },
  };
}

/**
 * The secret of the exchanging client.
 *
 * @throws an Error that names the file, when it can't be read or is empty.
 */
export async function readSecret(secret: ExchangeSettings['secret']): Promise<string> {
  if ('value' in secret) return secret.value;
  const problem = (what: string) =>
    new Error(
      `the client secret can't be read: ${secret.file} (toolset_configs.kcp.token_exchange_client_secret_file) ${what}`,
    );
  let text: string;
  try {
    text = await readFile(secret.file, 'utf8');
  } catch (error) {
    throw problem(`gives ${(error as NodeJS.ErrnoException).code ?? 'an unknown error'}`);
  }
  // Editors and `echo` end a file with a line break, which no secret does.
  const value = text.replace(/[\r\n]+$/, '');
  if (value === '') throw problem('is empty');
  return value;
}

function tokenEndpoint(metadata: IssuerMetadata | undefined, { issuer }: Exchanger): string {
  if (metadata === undefined) {
    throw new TokenExchangeError('busy', `the metadata of ${issuer} is not loaded yet`, 'Try again in a moment.');
  }
  const url = metadata['token_endpoint'];
  if (typeof url === 'string' && URL.canParse(url) && new URL(url).protocol === 'https:') return url;
  const cause = `the discovery document of ${issuer} names no https token_endpoint`;
  throw new TokenExchangeError('setup', cause, operators('tokens can only be exchanged at an issuer that has one'));
}

/** How long both tokens hold, in milliseconds from `now`: what says nothing of its end is used once. */
function lifetimeMs({ token, expiresIn }: ExchangedToken, { expiresAt }: Principal, now: number): number {
  const ends = [expiresIn === undefined ? undefined : now + expiresIn * 1_000, expiryOf(token)].filter(
    (end) => end !== undefined,
  );
  return ends.length === 0 ? 0 : Math.min(expiresAt * 1_000, ...ends) - now;
}

/** Claim `exp` of a JWT, in milliseconds since the epoch. */
function expiryOf(token: string): number | undefined {
  try {
    const { exp } = decodeJwt(token);
    return typeof exp === 'number' && Number.isFinite(exp) ? exp * 1_000 : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Whether a verified token is an id token. Nothing in a JWT has to say so; these do: Keycloak's `typ`, and the hashes and
 * nonce that only id tokens have (OpenID Connect Core §2, §3.1.3.6).
 */
function looksLikeIdToken(token: string): boolean {
  const claims = decodeJwt(token);
  if (claims['scope'] !== undefined || claims['scp'] !== undefined) return false;
  return claims['typ'] === 'ID' || ['at_hash', 'c_hash', 'nonce'].some((name) => claims[name] !== undefined);
}
