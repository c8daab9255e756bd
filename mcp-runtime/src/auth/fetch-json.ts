import { isTooComplex } from '../json-bounds.ts';
import { requestIssuer } from './issuer-request.ts';

/** Fetches a JSON document from the identity provider. */
export type FetchJson = (url: string) => Promise<unknown>;

const TIMEOUT_MS = 5_000;
const MAX_BYTES = 1024 * 1024;
/** Thousands of keys. Parsed, a megabyte of brackets would take half of the heap. */
const BOUNDS = { maxValues: 50_000, maxDepth: 32 };

/**
 * Creates a client for the documents of the identity provider: https, no redirects, 5 s, 1 MiB.
 *
 * @param caFile PEM of the CA to trust instead of the well-known ones, as kube-apiserver's `--oidc-ca-file` does.
 * @param timeoutMs how long one document may take, in milliseconds.
 */
export function createFetchJson(caFile?: string, timeoutMs = TIMEOUT_MS): FetchJson {
  return async (url) => {
    const { statusCode, text } = await requestIssuer({
      url,
      caFile,
      headers: { accept: 'application/json' },
      timeoutMs,
      maxBytes: MAX_BYTES,
    });
    if (statusCode !== 200) throw new Error(`GET ${url} answered ${statusCode}`);
    if (isTooComplex(text, BOUNDS)) throw new Error(`GET ${url} answered with more than a document of this kind holds`);
    try {
      return JSON.parse(text) as unknown;
    } catch {
      // A parser's message quotes the body, which is the other side's to fill.
      throw new Error(`GET ${url} didn't answer with JSON`);
    }
  };
}
