/** Whether kcp answers where a kubeconfig says that it is. */
import type { HostAlias } from './addresses.ts';
import { OutboundError, type OutboundErrorKind } from './errors.ts';
import { httpsGet, type Trust } from './https-get.ts';

export interface KcpQuestion {
  /** Base URL of the front-proxy. */
  server: string;
  /** PEM of the CAs to trust in place of the well-known ones. */
  ca?: string | undefined;
  /** Name that its certificate is checked against in place of the URL's host. */
  serverName?: string | undefined;
  aliases: readonly HostAlias[];
}

export type KcpAnswer = { outcome: 'answers' } | { outcome: 'failed'; kind: OutboundErrorKind; why: string };

export type ProbeKcp = (question: KcpQuestion, signal: AbortSignal) => Promise<KcpAnswer>;

/**
 * Asks without credentials: that there is an answer over a connection that can be trusted is what counts, not which.
 *
 * @param allowLocal whether kcp may be at a loopback or link-local address
 */
export function createKcpProbe({ allowLocal }: Pick<Trust, 'allowLocal'>): ProbeKcp {
  return async ({ server, ...trust }, signal) => {
    try {
      await httpsGet(new URL(`${server}/readyz`), { ...trust, allowLocal }, signal);
      return { outcome: 'answers' };
    } catch (error) {
      if (!(error instanceof OutboundError)) throw error;
      if (error.kind === 'redirect' || error.kind === 'size') return { outcome: 'answers' };
      return { outcome: 'failed', kind: error.kind, why: error.message };
    }
  };
}
