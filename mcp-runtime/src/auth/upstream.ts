import { callersSignIn, type RuntimeConfig } from '../config/schema.ts';
import { exchangeOf } from '../config/token-exchange.ts';
import type { OwnIdentity } from '../kcp/client.ts';
import type { Log } from '../log.ts';
import type { Metrics } from '../metrics.ts';
import { createTokenExchange, readSecret } from './exchange.ts';
import type { Issuer } from './issuer.ts';
import { createPrincipal, NEVER, type Principal } from './principal.ts';

/** What goes to kcp for a caller. */
export interface UpstreamTokens {
  /**
   * The same caller with the token for kcp. Asked for when a call is about to need kcp, not before.
   *
   * @param signal ends this caller's wait, with its reason.
   * @throws {TokenExchangeError} when there is no such token; its message is for the caller.
   */
  forKcp(principal: Principal, signal?: AbortSignal): Promise<Principal>;
}

/** The caller's own token, for a kcp that shares an audience with this server. */
export const passthrough: UpstreamTokens = {
  forKcp: (principal) => Promise.resolve(principal),
};

/**
 * One identity for everybody, for `cluster_auth_mode = "kubeconfig"`. What tools work with has no caller's token in it, and is the same
 * for all callers: what is kept of kcp's answers is kept once. Who called is told beside it.
 *
 * @param identity the one that kcp sees now; requests are made by it in `kcp/client.ts`.
 */
export function sharedIdentity(identity: () => OwnIdentity): UpstreamTokens {
  return {
    forKcp(caller) {
      const { name, generation } = identity();
      const claimsHash = `shared ${generation}`;
      const shared = { subject: name, issuer: '', username: undefined, token: '', tokenHash: '', claimsHash };
      return Promise.resolve(createPrincipal({ ...shared, expiresAt: NEVER, scopes: [], caller: { ...caller } }));
    },
  };
}

/** Makes what gives each caller a token for kcp, as the configuration has it. */
export function createUpstream(
  config: RuntimeConfig,
  {
    metadata,
    identity,
    log,
    metrics,
  }: { metadata: Issuer['metadata']; identity: () => OwnIdentity | undefined; log: Log; metrics: Metrics },
): UpstreamTokens {
  if (identity() !== undefined) {
    return sharedIdentity(() => {
      const own = identity();
      if (own === undefined) throw new Error('there is no identity for kcp any more');
      return own;
    });
  }
  const settings = exchangeOf(config);
  if (settings === undefined || !callersSignIn(config)) return passthrough;
  const resource = `${config.server_url}/mcp`;
  if (config.oauth_audience !== resource) {
    log.warn("oauth_audience is not this server's resource URL, which MCP clients ask tokens for", { resource });
  }
  return createTokenExchange({
    settings,
    issuer: { url: config.authorization_url, metadata },
    caFile: config.certificate_authority,
    callerScopes: config.oauth_scopes,
    log,
    onExchange: (result) => {
      metrics.tokenExchanges.inc({ result });
    },
  });
}

/** Finds out at start and reload what somebody's call would find out later. @throws an Error that names the file. */
export async function checkSecret(config: RuntimeConfig): Promise<void> {
  const settings = exchangeOf(config);
  if (settings !== undefined) await readSecret(settings.secret);
}
