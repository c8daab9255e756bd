import { requestIssuer } from './issuer-request.ts';

/** Fetches a JSON document from the identity provider. */
export type FetchJson = (url: string) => Promise<unknown>;

const LIMITS = { timeoutMs: 5_000, maxBytes: 1024 * 1024 };

/**
 * Creates a client for the documents of the identity provider: https, no redirects, 5 s, 1 MiB.
 *
 * @param caFile PEM of the CA to trust instead of the well-known ones, as kube-apiserver's `--oidc-ca-file` does.
 */
export function createFetchJson(caFile?: string): FetchJson {
  return async (url) => {
    const { statusCode, text } = await requestIssuer({
      url,
      caFile,
      headers: { accept: 'application/json' },
      ...LIMITS,
    });
    if (statusCode !== 200) throw new Error(`GET ${url} answered ${statusCode}`);
    try {
      return JSON.parse(text) as unknown;
    } catch {
      // A parser's message quotes the body, which is the other side's to fill.
      throw new Error(`GET ${url} didn't answer with JSON`);
    }
  };
}
