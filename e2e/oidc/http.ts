import { readFile } from 'node:fs/promises';
import { Agent, fetch as undiciFetch } from 'undici';

/** The part of `fetch` that the MCP clients take. */
export type Fetch = (url: string | URL, init?: RequestInit) => Promise<Response>;

export interface TrustingFetch {
  fetch: Fetch;
  /** Closes its connections; requests under way end with an error. */
  close(): Promise<void>;
}

/** A `fetch` with connections of its own that trusts exactly the certificates in `caFile` (the system's when absent). */
export async function trustingFetch(caFile?: string): Promise<TrustingFetch> {
  const ca = caFile === undefined ? {} : { ca: await readFile(caFile) };
  const dispatcher = new Agent({ connect: ca, allowH2: false });
  return {
    // The same standard by two hands: undici's Response and that of Node's own fetch differ by name only.
    // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment
    fetch: (url, init) => undiciFetch(url, { ...(init as Parameters<typeof undiciFetch>[1]), dispatcher }),
    close: () => dispatcher.destroy(),
  };
}

/** Whether a URL answers with success; the CA file may not be there yet. */
export async function answers(caFile: string, url: string): Promise<boolean> {
  const http = await trustingFetch(caFile);
  try {
    const response = await http.fetch(url, { signal: AbortSignal.timeout(2000) });
    await response.body?.cancel();
    return response.ok;
  } finally {
    await http.close();
  }
}
