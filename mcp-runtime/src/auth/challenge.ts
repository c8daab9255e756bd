/** An answer that asks for a (better) token. */
export interface Challenge {
  readonly status: 401 | 403;
  /** Value of `WWW-Authenticate`. */
  readonly header: string;
  /** OAuth error object (RFC 6749 §5.2); without `error` where no token was sent. */
  readonly body: Readonly<Record<string, string>>;
}

/** Where {@link Challenge}s point: the address of the protected-resource metadata (RFC 9728 §5.1) and what to ask for. */
export interface ChallengeContext {
  readonly resourceMetadata: string;
  /** A page for people about signing in; named in bodies, where people find it (RFC 6749 §5.2, `error_uri`). */
  readonly help: string;
  /** All scopes for the client to request when one is missing (RFC 6750 §3). */
  readonly scopes: readonly string[];
}

/** 401 for a request without a token: no error attribute, for the caller did nothing wrong yet (RFC 6750 §3.1). */
export function tokenRequired(context: ChallengeContext): Challenge {
  return {
    status: 401,
    header: bearer({ resource_metadata: context.resourceMetadata }),
    body: { message: `sign in: send a bearer token in the Authorization header; ${context.help} says how` },
  };
}

/** 401 `invalid_token` (RFC 6750 §3.1). `description` reaches the caller and must not repeat the token. */
export function invalidToken(description: string, context: ChallengeContext): Challenge {
  return refusal(401, 'invalid_token', description, context);
}

/** 403 `insufficient_scope` (RFC 6750 §3.1). */
export function insufficientScope(missing: readonly string[], context: ChallengeContext): Challenge {
  const scope = context.scopes.join(' ');
  return refusal(403, 'insufficient_scope', `the token lacks scope ${missing.join(' ')}`, context, { scope });
}

function refusal(
  status: 401 | 403,
  error: string,
  description: string,
  { resourceMetadata, help }: ChallengeContext,
  more: Readonly<Record<string, string>> = {},
): Challenge {
  const header = bearer({ resource_metadata: resourceMetadata, error, error_description: description, ...more });
  return { status, header, body: { error, error_description: description, error_uri: help } };
}

/** Attribute values as quoted strings (RFC 9110 §5.6.4): printable ASCII, `"` and `\` escaped. */
function bearer(attributes: Readonly<Record<string, string>>): string {
  const quoted = Object.entries(attributes).map(
    ([name, value]) => `${name}="${value.replaceAll(/[^\x20-\x7e]/g, ' ').replaceAll(/["\\]/g, String.raw`\$&`)}"`,
  );
  return `Bearer ${quoted.join(', ')}`;
}
