import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { createCA, issueCertificate } from '../lib/certs.ts';

export interface TLSFiles {
  certFile: string;
  keyFile: string;
  /** What a client must trust. */
  caFile: string;
}

const renewBeforeMs = 24 * 3600 * 1000;

/**
 * A serving certificate for `hosts` in `dir` (`tls.crt`, `tls.key`), signed by a CA of its own (`ca.crt`). That of an
 * earlier start is kept while it fits, so that clients keep trusting a server that was started again.
 */
export async function ensureTLSFiles(dir: string, hosts: readonly string[]): Promise<TLSFiles> {
  const unique = [...new Set(hosts)];
  const files = { certFile: join(dir, 'tls.crt'), keyFile: join(dir, 'tls.key'), caFile: join(dir, 'ca.crt') };
  if (await isServingCertificate(files.certFile, unique)) return files;
  const commonName = unique[0] ?? 'localhost';
  const ca = await createCA(dir, 'ca', `CA of ${commonName}`);
  const pair = await issueCertificate(ca, { dir, name: 'tls', commonName, hosts: unique });
  return { ...pair, caFile: ca.certFile };
}

async function isServingCertificate(file: string, hosts: readonly string[]): Promise<boolean> {
  const pem = await readFile(file).catch(() => undefined);
  if (!pem) return false;
  const certificate = new X509Certificate(pem);
  const fits = (host: string): boolean =>
    (isIP(host) ? certificate.checkIP(host) : certificate.checkHost(host)) !== undefined;
  return hosts.every(fits) && certificate.validToDate.getTime() > Date.now() + renewBeforeMs;
}
