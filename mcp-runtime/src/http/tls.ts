import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createSecureContext, type SecureVersion } from 'node:tls';
import type { RuntimeConfig } from '../config/schema.ts';

/** What a TLS server is given, at its start and when the certificate was renewed. */
export interface ServedCertificate {
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly minVersion: SecureVersion;
  /** When the certificate expires, in milliseconds since the epoch. */
  readonly notAfter: number;
}

type TlsConfig = Pick<RuntimeConfig, 'tls_cert' | 'tls_key' | 'tls_min_version'>;

/**
 * Reads certificate and key.
 *
 * @returns undefined when the configuration names none: plain HTTP.
 * @throws when a file can't be read or key and certificate don't belong together, as happens between two writes of a renewal.
 */
export async function loadCertificate(config: TlsConfig): Promise<ServedCertificate | undefined> {
  const { tls_cert: certFile, tls_key: keyFile } = config;
  if (certFile === undefined || keyFile === undefined) return undefined;
  const [cert, key] = await Promise.all([readFile(certFile), readFile(keyFile)]);
  const minVersion = config.tls_min_version.endsWith('3') ? 'TLSv1.3' : 'TLSv1.2';
  createSecureContext({ cert, key, minVersion });
  return { cert, key, minVersion, notAfter: new X509Certificate(cert).validToDate.getTime() };
}
