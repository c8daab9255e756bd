/** GET at a URL that a user named: https, no redirects, 5 seconds, 1 MiB, and only where users may have us ask. */
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { checkServerIdentity } from 'node:tls';
import { resolve, type Address, type HostAlias } from './addresses.ts';
import { OutboundError, outboundError } from './errors.ts';

const TIMEOUT_MS = 5_000;
const MAX_BYTES = 1024 * 1024;

/** How a host is found and recognised. */
export interface Trust {
  /** PEM of the CAs to trust in place of the well-known ones. */
  ca?: string | undefined;
  /** Name that the certificate is checked against in place of the URL's host. */
  serverName?: string | undefined;
  /** The Pods' own entries in /etc/hosts. */
  aliases: readonly HostAlias[];
  /** Whether loopback and link-local addresses may be asked, too. */
  allowLocal: boolean;
  /** For connection and answer together, in ms; 5,000 unless told. */
  timeoutMs?: number;
}

export interface Answer {
  status: number;
  body: string;
}

/**
 * @param url https; anything else is refused
 * @param signal ends it early
 * @throws OutboundError whatever keeps an answer from coming; an answer with any status but a redirect is one
 */
export async function httpsGet(url: URL, trust: Trust, signal: AbortSignal): Promise<Answer> {
  const host = url.port === '' ? url.hostname : url.host;
  if (url.protocol !== 'https:') throw new OutboundError('protocol', host);
  const addresses = await resolve(url.hostname, trust);
  const timeUp = AbortSignal.any([AbortSignal.timeout(trust.timeoutMs ?? TIMEOUT_MS), signal]);
  try {
    const response = await headersOf(url, trust, addresses, timeUp);
    const { statusCode = 0 } = response;
    if (statusCode >= 300 && statusCode < 400) {
      response.destroy();
      throw new OutboundError('redirect', host, String(statusCode));
    }
    return { status: statusCode, body: await bodyOf(response, host) };
  } catch (error) {
    // An aborted request fails with an error of its own, whatever it was aborted with.
    throw outboundError(timeUp.aborted ? timeUp.reason : error, host);
  }
}

function headersOf(url: URL, trust: Trust, addresses: Address[], signal: AbortSignal): Promise<IncomingMessage> {
  const { ca, serverName } = trust;
  const { promise, resolve: settle, reject } = Promise.withResolvers<IncomingMessage>();
  const outgoing = request(
    url,
    {
      // A connection of its own, to an address that was looked at.
      agent: false,
      lookup: fixed(addresses),
      headers: { accept: 'application/json', 'user-agent': 'kcp-mcp-operator' },
      signal,
      ...(ca !== undefined && { ca }),
      ...(serverName !== undefined && identity(serverName)),
    },
    settle,
  );
  outgoing.on('error', reject);
  outgoing.end();
  return promise;
}

/** RFC 6066 §3: no IP address is sent as server name. */
const identity = (name: string) =>
  isIP(name)
    ? { checkServerIdentity: (_: string, certificate: Parameters<typeof checkServerIdentity>[1]) => checkServerIdentity(name, certificate) } // prettier-ignore
    : { servername: name };

const fixed =
  (addresses: Address[]): LookupFunction =>
  (_, { all }, callback) => {
    const [first] = addresses;
    if (all) callback(null, addresses);
    else callback(null, first?.address ?? '', first?.family);
  };

async function bodyOf(response: IncomingMessage, host: string): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BYTES) throw new OutboundError('size', host);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
