import { X509Certificate } from 'node:crypto';

/**
 * The CERTIFICATE blocks of a PEM file (RFC 7468 §5), each in its canonical form, and nothing else of it: a bundle may hold a
 * key, too. Empty where one of them can't be read, since who trusts a part of a bundle trusts another one than was meant.
 */
export function certificateBlocks(pem: string): string[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g) ?? [];
  try {
    return blocks.map((block) => new X509Certificate(block).toString());
  } catch {
    return [];
  }
}
