import { readFile } from 'node:fs/promises';
import { Agent, request } from 'undici';

/** Fetches a JSON document from the identity provider. */
export type FetchJson = (url: string) => Promise<unknown>;

const TIMEOUT_MS = 5_000;
const MAX_BYTES = 1024 * 1024;

/**
 * Creates a client for the identity provider: https, no redirects, 5 s, 1 MiB. It is used every few minutes, so each fetch has
 * a connection of its own and reads the CA anew: a renewed one counts at once.
 *
 * @param caFile PEM of the CA to trust instead of the well-known ones, as kube-apiserver's `--oidc-ca-file` does.
 */
export function createFetchJson(caFile?: string): FetchJson {
  return async (url) => {
    const connect = caFile === undefined ? {} : { connect: { ca: await readFile(caFile, 'utf8') } };
    const dispatcher = new Agent({ allowH2: false, maxResponseSize: MAX_BYTES, ...connect });
    try {
      const signal = AbortSignal.timeout(TIMEOUT_MS);
      const { statusCode, body } = await request(url, { dispatcher, headers: { accept: 'application/json' }, signal });
      if (statusCode !== 200) throw new Error(`GET ${url} answered ${statusCode}`);
      return await body.json();
    } catch (error) {
      // A parser's message quotes the body, which is the other side's to fill.
      throw error instanceof SyntaxError ? new Error(`GET ${url} didn't answer with JSON`) : error;
    } finally {
      await dispatcher.destroy();
    }
  };
}
