import { Agent, request } from 'undici';

/** Fetches a JSON document from the identity provider. */
export type FetchJson = (url: string) => Promise<unknown>;

const TIMEOUT_MS = 5_000;
const MAX_BYTES = 1024 * 1024;

/**
 * Creates a client for the identity provider: https, no redirects, 5 s, 1 MiB.
 *
 * @param ca PEM of the CA to trust instead of the well-known ones, as kube-apiserver's `--oidc-ca-file` does.
 */
export function createFetchJson(ca?: string): FetchJson {
  const dispatcher = new Agent({
    allowH2: false,
    maxResponseSize: MAX_BYTES,
    ...(ca === undefined ? {} : { connect: { ca } }),
  });
  return async (url) => {
    const { statusCode, body } = await request(url, {
      dispatcher,
      headers: { accept: 'application/json' },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    if (statusCode !== 200) {
      await body.dump();
      throw new Error(`GET ${url} answered ${statusCode}`);
    }
    try {
      return await body.json();
    } catch (error) {
      // A parser's message quotes the body, which is the other side's to fill.
      throw error instanceof SyntaxError ? new Error(`GET ${url} didn't answer with JSON`) : error;
    }
  };
}
