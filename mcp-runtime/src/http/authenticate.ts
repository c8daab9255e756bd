import type { IncomingMessage, ServerResponse } from 'node:http';
import { bearerToken } from '../auth/bearer.ts';
import { insufficientScope, invalidToken, tokenRequired, type Challenge } from '../auth/challenge.ts';
import { KeysNotLoadedError } from '../auth/issuer.ts';
import type { Principal } from '../auth/principal.ts';
import { TokenError, type Verifier } from '../auth/verify.ts';
import type { Log } from '../log.ts';
import type { Metrics } from '../metrics.ts';
import type { Metadata } from './metadata.ts';
import { sendJson } from './respond.ts';

/** How callers sign in. */
export interface SignIn {
  readonly metadata: Metadata;
  readonly verifier: Verifier;
  readonly requiredScopes: readonly string[];
}

export interface Arrival {
  readonly log: Log;
  readonly metrics: Metrics;
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  /** Headers for a refusal. */
  readonly cors: Record<string, string>;
}

/** Returns the caller, or answers and returns undefined. */
export async function authenticate(
  { metadata, verifier, requiredScopes }: SignIn,
  { log, metrics, req, res, cors }: Arrival,
): Promise<Principal | undefined> {
  const { url: resourceMetadata, scopes, help } = metadata;
  const context = { resourceMetadata, scopes, help };
  const refuse = (reason: string, { status, header, body }: Challenge) => {
    metrics.authFailures.inc({ reason });
    log.debug('caller refused', { reason, status });
    sendJson(res, status, body, { ...cors, 'WWW-Authenticate': header });
  };
  const { authorization } = req.headers;
  // Another scheme than Bearer counts as no token (RFC 6750 §3.1).
  if (authorization === undefined || !/^bearer\b/i.test(authorization)) {
    refuse('none', tokenRequired(context));
    return undefined;
  }
  try {
    const principal = await verifier.verify(bearerToken(authorization));
    const missing = requiredScopes.filter((scope) => !principal.scopes.includes(scope));
    if (missing.length === 0) return principal;
    refuse('scope', insufficientScope(missing, context));
  } catch (error) {
    if (error instanceof TokenError) refuse(error.reason, invalidToken(error.message, context));
    else if (error instanceof KeysNotLoadedError) {
      metrics.authFailures.inc({ reason: 'keys_not_loaded' });
      // Not 401: signing in again wouldn't help.
      const body = {
        error: 'temporarily_unavailable',
        error_description: 'the keys of the issuer are not loaded yet',
      };
      sendJson(res, 503, body, { ...cors, 'Retry-After': 5 });
    } else throw error;
  }
  return undefined;
}
