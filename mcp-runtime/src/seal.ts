import { createPrivateKey, hkdfSync, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createRequestStateCodec, type ServerContext } from '@modelcontextprotocol/server';
import type { Principal } from './auth/principal.ts';
import type { Settled } from './interaction.ts';

/**
 * Seals what the rounds of a call have settled. The client carries it from one round to the next, which any replica may
 * answer, so what comes back has to be ours, of this caller and fresh (MCP 2026-07-28, basic/patterns/mrtr).
 */
export interface Seal {
  /** The sealed text, signed and not encrypted: it holds hashes only. */
  close(settled: Settled, context: ServerContext): Promise<string>;
  /** @throws when it isn't ours, not this caller's, or older than ten minutes. */
  open(sealed: string, context: ServerContext): Promise<Settled>;
}

const MINUTES_10 = 600;

/** @param keys the first one seals; the others still open what was sealed before a key was replaced. */
export function createSeal(keys: readonly Uint8Array[]): Seal {
  const codecs = keys.map((key) => createRequestStateCodec<Settled>({ key, ttlSeconds: MINUTES_10, bind: callerOf }));
  const [current] = codecs;
  if (current === undefined) throw new Error('a seal needs a key');
  return {
    close: (settled, context) => current.mint(settled, context),
    async open(sealed, context) {
      const opened = await Promise.allSettled(codecs.map((codec) => codec.verify(sealed, context)));
      const found = opened.find((each) => each.status === 'fulfilled');
      if (found !== undefined) return found.value;
      throw new Error('sealed by none of the keys, for somebody else, or too long ago');
    },
  };
}

/** Claims may change with the next token; who somebody is doesn't. */
function callerOf({ mcpReq, http }: ServerContext): string {
  const principal = http?.authInfo?.extra?.['principal'] as Principal | undefined;
  return JSON.stringify([mcpReq.method, principal?.issuer, principal?.subject]);
}

const LABEL = 'kcp-mcp-runtime requestState v1';
const MIN_SECRET_BYTES = 32;

/**
 * Makes a key for {@link createSeal} of a secret that all replicas have: the file of `state_key_file`, or else the TLS key. A
 * process that has neither makes one up, and is the only one that opens what it sealed.
 *
 * @throws naming the file when it can't be read or holds too little.
 * @see RFC 5869
 */
export async function loadSealingKey(
  stateKeyFile: string | undefined,
  certificate: { readonly key: Buffer } | undefined,
): Promise<Uint8Array> {
  const secret = stateKeyFile === undefined ? secretOf(certificate) : await readSecret(stateKeyFile);
  return new Uint8Array(hkdfSync('sha256', secret, new Uint8Array(), LABEL, 32));
}

async function readSecret(file: string): Promise<Uint8Array> {
  const secret = await readFile(file);
  if (secret.byteLength >= MIN_SECRET_BYTES) return secret;
  throw new Error(
    `${file} (toolset_configs.kcp.state_key_file) holds ${secret.byteLength} bytes; it must hold at least ${MIN_SECRET_BYTES} random ones`,
  );
}

function secretOf(certificate: { readonly key: Buffer } | undefined): Uint8Array {
  if (certificate === undefined) return randomBytes(MIN_SECRET_BYTES);
  // Not the file's text: replicas that have the same key in other words still agree.
  return createPrivateKey(certificate.key).export({ type: 'pkcs8', format: 'der' });
}
