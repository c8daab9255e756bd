import { join } from 'node:path';
import { startProcess, waitFor } from '../lib/process.ts';
import type { OIDCOptions } from './apiserver-flags.ts';
import { demoAccounts } from './accounts.ts';
import type { Account } from './accounts.ts';
import { trustingFetch } from './http.ts';
import { rotateKeysIn } from './keys.ts';
import { ensureTLSFiles } from './tls-files.ts';
import type { TLSFiles } from './tls-files.ts';

export interface IssuerOptions {
  /** Run folder; the issuer's own files go into `DIR/oidc`. */
  dir: string;
  address: string;
  port: number;
  /** Where clients reach it, without a trailing slash; `https://ADDRESS:PORT` unless told. */
  issuerURL?: string;
  /** The audience of all tokens and the client id that kcp is given; `platform-mesh` unless told. */
  clientID?: string;
  /** Certificate for the issuer's host; one from a CA of its own is made in `DIR/oidc` when absent. */
  tls?: TLSFiles;
  /** Lifetime of id and access tokens in seconds; 3600 unless told. */
  tokenLifetime?: number;
}

export interface IssuerHandle {
  issuerURL: string;
  clientID: string;
  caFile: string;
  users: readonly Account[];
  /** Holds the signing keys: what `signTestToken` reads. */
  stateDir: string;
  /** Signs with new keys from now on. `keepOld` (default true) says whether earlier tokens still verify. */
  rotateKeys(options?: { keepOld?: boolean }): Promise<void>;
  stop(): Promise<void>;
}

/** What those who trust the issuer are told of it, before it runs. Makes its certificate. */
export async function announceIssuer(options: IssuerOptions): Promise<OIDCOptions & { tls: TLSFiles }> {
  const { dir, address, port, clientID = 'platform-mesh' } = options;
  const issuerURL = options.issuerURL ?? `https://${address}:${port}`;
  const hosts = [new URL(issuerURL).hostname, address, 'localhost'];
  const tls = options.tls ?? (await ensureTLSFiles(stateDirOf(dir), hosts));
  return { issuerURL, clientID, caFile: tls.caFile, tls };
}

function stateDirOf(dir: string): string {
  return join(dir, 'oidc');
}

/** Starts the issuer as a process of its own (`oidc` in the run folder) and waits until it answers. */
export async function startIssuer(options: IssuerOptions): Promise<IssuerHandle> {
  const { dir, address, port } = options;
  const { issuerURL, clientID, tls } = await announceIssuer(options);
  const stateDir = stateDirOf(dir);
  const http = await trustingFetch(tls.caFile);
  const jwks = async (): Promise<string> => {
    const response = await http.fetch(`${issuerURL}/jwks`);
    return response.ok ? await response.text() : '';
  };
  const started = await startProcess({
    dir,
    name: 'oidc',
    command: process.execPath,
    args: [
      join(import.meta.dirname, 'main.ts'),
      ...['--dir', stateDir, '--address', address, '--port', String(port), '--issuer-url', issuerURL],
      ...['--client-id', clientID, '--cert-file', tls.certFile, '--key-file', tls.keyFile],
      ...(options.tokenLifetime === undefined ? [] : ['--token-lifetime', String(options.tokenLifetime)]),
    ],
    ready: jwks,
  });
  return {
    issuerURL,
    clientID,
    caFile: tls.caFile,
    users: demoAccounts,
    stateDir,
    rotateKeys: async ({ keepOld = true } = {}) => {
      const [kid = ''] = await rotateKeysIn(stateDir, { keepOld });
      await waitFor('the issuer to publish its new keys', async () => (await jwks()).includes(kid), {
        deadlineMs: 10_000,
      });
    },
    stop: async () => {
      await http.close();
      await started.stop();
    },
  };
}
