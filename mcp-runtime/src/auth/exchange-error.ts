import { redactTokens } from '../output/redact.ts';
import { oneLine, shorten } from '../output/text.ts';

/** What kept a token from being exchanged, in one word for metrics and the audit log. */
export type ExchangeFailure =
  | 'client'
  | 'not_allowed'
  | 'audience'
  | 'subject_audience'
  | 'subject_token'
  | 'scope'
  | 'refused'
  | 'busy'
  | 'unreachable'
  | 'timeout'
  | 'protocol'
  | 'setup';

/** The caller's token could not be exchanged. The message says why and who can mend it, and holds no token and no secret. */
export class TokenExchangeError extends Error {
  override readonly name = 'TokenExchangeError';
  readonly failure: ExchangeFailure;

  /**
   * @param cause what happened.
   * @param cure what to do about it.
   */
  constructor(failure: ExchangeFailure, cause: string, cure: string) {
    super(redactTokens(oneLine(`Your token could not be exchanged for one that kcp takes: ${cause}. ${cure}`)));
    this.failure = failure;
  }
}

/** Who exchanges, for messages: the names that whoever mends it has to look for. */
export interface Exchanger {
  readonly issuer: string;
  readonly clientId: string;
  readonly audience: string;
  /** Scopes that clients are told to ask for. */
  readonly callerScopes: readonly string[];
}

/** An OAuth error answer (RFC 6749 §5.2). */
export interface Refusal {
  readonly status: number;
  readonly error: string;
  readonly description: string;
  /** The caller sent an id token. */
  readonly isIdToken: boolean;
}

const MAX_DESCRIPTION = 300;
/** RFC 6749 §5.2: what `error` may be made of. */
const ERROR_CODE = /^[!#-[\]-~]{1,64}$/;

/** The error of an answer, if it is one. */
export function refusalOf(status: number, body: unknown, isIdToken: boolean, secret: string): Refusal | undefined {
  const { error, error_description: description } = (body ?? {}) as Record<string, unknown>;
  if (typeof error !== 'string' || !ERROR_CODE.test(error)) return undefined;
  const said = typeof description === 'string' ? description.replaceAll(secret, '[redacted]') : '';
  return { status, error, description: shorten(said.replaceAll('"', "'"), MAX_DESCRIPTION), isIdToken };
}

/** Tells a refusal with its cure. Providers use the codes of RFC 6749 and RFC 8693 differently, so their text counts, too. */
export function refused(refusal: Refusal, exchanger: Exchanger): TokenExchangeError {
  const { error, description } = refusal;
  const said = description === '' ? '' : `: "${description}"`;
  const cause = `the identity provider ${exchanger.issuer} answered ${error}${said}`;
  const failure = failureOf(refusal);
  return new TokenExchangeError(failure, cause, cureOf(failure, refusal, exchanger));
}

function failureOf({ status, error, description }: Refusal): ExchangeFailure {
  if (status === 429 || status >= 500 || error === 'temporarily_unavailable') return 'busy';
  if (/not (enabled|allowed|permitted|authorized)/i.test(description)) return 'not_allowed';
  if (/token audience/i.test(description)) return 'subject_audience';
  if (error === 'invalid_target' || /\baudience\b/i.test(description)) return 'audience';
  if (error === 'invalid_client' || (error === 'unauthorized_client' && status === 401)) return 'client';
  if (/credentials|authenticating client/i.test(description)) return 'client';
  if (error === 'unauthorized_client' || error === 'unsupported_grant_type') return 'not_allowed';
  if (error === 'invalid_scope') return 'scope';
  if (error === 'invalid_grant' || error === 'invalid_token') return 'subject_token';
  if (/token/i.test(description)) return 'subject_token';
  return 'refused';
}

function cureOf(failure: ExchangeFailure, { isIdToken }: Refusal, exchanger: Exchanger): string {
  const { clientId, audience, callerScopes } = exchanger;
  const client = `client ${clientId}`;
  switch (failure) {
    case 'busy':
      return 'Try again in a moment.';
    case 'client':
      return operators(
        `it knows no ${client} with this secret. token_exchange.client_auth.client_id and the secret must be those of a confidential client there`,
      );
    case 'not_allowed':
      return operators(
        `${client} may not exchange tokens. Allow it the grant urn:ietf:params:oauth:grant-type:token-exchange ` +
          `(Keycloak: "Standard token exchange" in the capability config of the client)`,
      );
    case 'audience':
      return operators(
        `${client} may not have tokens for the audience ${audience} (token_exchange.audience). In Keycloak a client of that id must ` +
          `exist, and a client scope of ${client} needs an audience mapper for it`,
      );
    case 'subject_audience':
      return operators(
        `the caller's token must name ${client} in aud before that client may exchange it. Add an audience mapper for ` +
          `${clientId} to one of the scopes that clients ask for (${callerScopes.join(' ') || 'oauth_scopes names none'})`,
      );
    case 'scope':
      return operators(`token_exchange.scopes must only name scopes that ${client} has`);
    case 'subject_token':
      return isIdToken
        ? 'Your client sent its id token, and the identity provider exchanges access tokens: have the client send its access token.'
        : 'The session behind your token may have ended: sign out of this server in your client, and in again.';
    default:
      return operators(`the log of the identity provider says more about ${client}`);
  }
}

/** What only those can mend who run this server. */
export const operators = (what: string): string =>
  `Signing in again will not help; this is for the people who run this server: ${what}.`;
