import type { Issuer } from '../auth/issuer.ts';
import { createVerifier } from '../auth/verify.ts';
import { callersSignIn, type RuntimeConfig, type SignInConfig } from '../config/schema.ts';
import type { SignIn } from './authenticate.ts';
import { createBodyReader, type BodyReader } from './body.ts';
import { createGuards, type Guards } from './guards.ts';
import { createMetadata } from './metadata.ts';
import { createRateLimiter, type RateLimiter } from './rate-limit.ts';

/** What requests are judged by: replaced as a whole when the configuration changes. */
export interface Front {
  /** Public base URL, as far as it is known. */
  readonly serverUrl: string;
  readonly guards: Guards;
  /** undefined where nobody signs in: then there are no challenges and no metadata, and everybody is anonymous. */
  readonly signIn: SignIn | undefined;
  readonly rateLimiter: RateLimiter;
  readonly bodies: BodyReader;
}

/** Makes what requests are judged by. @param issuer undefined where nobody signs in */
export function createFront(config: RuntimeConfig, issuer: Issuer | undefined): Front {
  const { http } = config;
  return {
    serverUrl: config.server_url ?? `https://${config.toolset_configs.kcp.allowed_hosts[0] ?? 'localhost'}`,
    guards: createGuards(config),
    signIn: callersSignIn(config) ? createSignIn(config, issuer) : undefined,
    rateLimiter: createRateLimiter(http.rate_limit_rps, http.rate_limit_burst),
    bodies: createBodyReader(http.max_body_bytes),
  };
}

function createSignIn(config: SignInConfig, issuer: Issuer | undefined): SignIn {
  if (issuer === undefined) throw new Error('callers sign in, and there is no issuer to judge their tokens by');
  const metadata = createMetadata(config, issuer);
  return {
    metadata,
    verifier: createVerifier({ issuer, audience: config.oauth_audience, scopes: metadata.scopes }),
    requiredScopes: config.toolset_configs.kcp.required_scopes,
  };
}
