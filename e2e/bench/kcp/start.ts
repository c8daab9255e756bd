import { join } from 'node:path';
import { request } from 'undici';
import { freePorts } from '../../lib/ports.ts';
import { startProcess } from '../../lib/process.ts';
import type { StartedProcess } from '../../lib/process.ts';
import { answers } from '../../oidc/http.ts';
import { ensureTLSFiles } from '../../oidc/tls-files.ts';

export interface SyntheticKcpHandle {
  url: string;
  caFile: string;
  process: StartedProcess;
  /** Where counters (counts.ts) of what has reached it so far are read. */
  countsURL: string;
  /** Holds every answer back for so long from now on, in milliseconds. */
  delay(ms: number): Promise<void>;
}

export interface SyntheticKcpOptions {
  /** Run folder. */
  dir: string;
  issuerURL: string;
  orgs: number;
  teams: number;
}

/** Starts the synthetic kcp as a process of its own (`kcp` in the run folder) and waits until it answers. */
export async function startSyntheticKcp({
  dir,
  issuerURL,
  orgs,
  teams,
}: SyntheticKcpOptions): Promise<SyntheticKcpHandle> {
  const address = '127.0.0.1';
  const [port = 0, adminPort = 0] = await freePorts(2);
  const { certFile, keyFile, caFile } = await ensureTLSFiles(join(dir, 'kcp'), [address]);
  const url = `https://${address}:${port}`;
  const admin = `http://${address}:${adminPort}`;
  const started = await startProcess({
    dir,
    name: 'kcp',
    command: process.execPath,
    args: [
      join(import.meta.dirname, 'main.ts'),
      ...['--address', address, '--port', String(port), '--admin-port', String(adminPort)],
      ...['--cert-file', certFile, '--key-file', keyFile, '--oidc-issuer-url', issuerURL],
      ...['--orgs', String(orgs), '--teams', String(teams)],
    ],
    ready: () => answers(caFile, `${url}/readyz`),
  });
  return {
    url,
    caFile,
    process: started,
    countsURL: `${admin}/counts`,
    delay: async (ms) => {
      await (await request(`${admin}/delay?ms=${ms}`, { method: 'PUT' })).body.dump();
    },
  };
}
