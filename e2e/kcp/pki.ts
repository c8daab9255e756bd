import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createCA, issueCertificate } from '../lib/certs.ts';
import type { CertificateAuthority, KeyPair } from '../lib/certs.ts';
import { ensureTLSFiles } from '../oidc/tls-files.ts';
import type { TLSFiles } from '../oidc/tls-files.ts';

export interface Pki {
  /** Where all of it lies. */
  dir: string;
  /** Certificate of the front, for kcp's address. */
  front: TLSFiles;
  /** Signs the client certificates that the front accepts: common name = user, organizations = groups. */
  clientCA: CertificateAuthority;
  /** Signs the certificates of shards other than root, which have addresses of their own. */
  shardCA: CertificateAuthority;
  admin: KeyPair;
  planes: {
    /** Serving certificate of every plane (127.0.0.1 only), and the CA that signed it. */
    serving: KeyPair;
    ca: CertificateAuthority;
    /** The front's certificate towards the planes: they believe the user that it names (X-Remote-User). */
    frontClient: KeyPair;
    serviceAccount: KeyPair;
  };
}

export const adminUser = 'kcp-admin';
export const adminGroup = 'system:kcp:admin';
export const frontClientName = 'kcp-front';

/** All certificates of the stand-in in `dir`. What clients hold or trust survives a restart, the rest is made anew. */
export async function createPki(dir: string, hosts: readonly string[]): Promise<Pki> {
  const planeDir = join(dir, 'planes');
  const [front, clientCA, shardCA, ca] = await Promise.all([
    ensureTLSFiles(dir, hosts),
    ensureCA(dir, 'client-ca', 'kcp client CA'),
    ensureCA(dir, 'shard-ca', 'kcp shard CA'),
    createCA(planeDir, 'ca', 'control planes CA'),
  ]);
  const [admin, serving, frontClient, serviceAccount] = await Promise.all([
    issueCertificate(clientCA, { dir, name: 'admin', commonName: adminUser, organizations: [adminGroup] }),
    issueCertificate(ca, {
      dir: planeDir,
      name: 'serving',
      commonName: 'control plane',
      hosts: ['127.0.0.1', 'localhost'],
    }),
    issueCertificate(ca, { dir: planeDir, name: 'front', commonName: frontClientName }),
    issueCertificate(ca, { dir: planeDir, name: 'service-account', commonName: 'service accounts' }),
  ]);
  return { dir, front, clientCA, shardCA, admin, planes: { serving, ca, frontClient, serviceAccount } };
}

async function ensureCA(dir: string, name: string, commonName: string): Promise<CertificateAuthority> {
  const files = { certFile: join(dir, `${name}.crt`), keyFile: join(dir, `${name}.key`) };
  const exists = await Promise.all([stat(files.certFile), stat(files.keyFile)]).then(
    () => true,
    () => false,
  );
  return exists ? files : createCA(dir, name, commonName);
}
