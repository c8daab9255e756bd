import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { calculateJwkThumbprint, exportJWK, generateKeyPair } from 'jose';
import type { JWK } from 'jose';

/** The algorithms the issuer can sign with. Tokens are RS256 (the one algorithm kube-apiserver takes by default). */
export const signingAlgorithms = ['RS256', 'ES256'] as const;
export type SigningAlgorithm = (typeof signingAlgorithms)[number];

/** Private JWKs, newest first: the issuer signs with the first key of an algorithm and publishes them all. */
export interface KeySet {
  keys: JWK[];
}

/** Where the issuer running in `dir` keeps its private keys. */
export function keysFile(dir: string): string {
  return join(dir, 'keys.json');
}

/** The keys of `dir`, generated when it has none yet, so that a restarted issuer still honours the tokens it gave out. */
export async function loadOrCreateKeys(dir: string): Promise<KeySet> {
  try {
    return await readKeys(dir);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const created = { keys: await generateKeys() };
  await writeKeys(dir, created);
  return created;
}

/** The keys of `dir`. Fails with ENOENT when no issuer has run there. */
export async function readKeys(dir: string): Promise<KeySet> {
  return JSON.parse(await readFile(keysFile(dir), 'utf8')) as KeySet;
}

/**
 * Puts new keys in front of those of `dir` and returns their ids; a running issuer picks them up from the file.
 * `keepOld: false` retires the earlier keys at once, so every token signed with them stops verifying.
 */
export async function rotateKeysIn(dir: string, { keepOld }: { keepOld: boolean }): Promise<string[]> {
  const fresh = await generateKeys();
  const old = keepOld ? (await readKeys(dir)).keys : [];
  await writeKeys(dir, { keys: [...fresh, ...old] });
  return fresh.map((key) => key.kid ?? '');
}

async function generateKeys(): Promise<JWK[]> {
  return Promise.all(
    signingAlgorithms.map(async (alg) => {
      const { privateKey } = await generateKeyPair(alg, { extractable: true });
      const jwk = await exportJWK(privateKey);
      return { ...jwk, alg, use: 'sig', kid: await calculateJwkThumbprint(jwk) };
    }),
  );
}

async function writeKeys(dir: string, keys: KeySet): Promise<void> {
  await mkdir(dir, { recursive: true });
  const file = keysFile(dir);
  // Renamed into place: a reader never sees half a file.
  await writeFile(`${file}.new`, JSON.stringify(keys, null, 2), { mode: 0o600 });
  await rename(`${file}.new`, file);
}
