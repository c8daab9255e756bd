import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { run } from './process.ts';

/** A certificate and its private key (PEM; the key file has mode 0600). */
export interface KeyPair {
  certFile: string;
  keyFile: string;
}

/** A certificate that can sign others. */
export type CertificateAuthority = KeyPair;

export interface CertificateOptions {
  /** Folder and base name of `NAME.crt` and `NAME.key`. */
  dir: string;
  name: string;
  commonName: string;
  /** `O=` values; Kubernetes reads them as groups. */
  organizations?: readonly string[];
  /** DNS names and IP addresses (RFC 5280 §4.2.1.6). A certificate without any is for clients. */
  hosts?: readonly string[];
  /** From now, in days; 365 unless told. */
  days?: number;
}

/**
 * Makes a self-signed CA: `DIR/NAME.crt`, `DIR/NAME.key` (ECDSA P-256).
 *
 * @throws when the `openssl` program is missing
 */
export async function createCA(dir: string, name: string, commonName: string): Promise<CertificateAuthority> {
  return inScratch(dir, async (scratch) => {
    const files = await newKey(dir, name, scratch);
    await writeFile(join(scratch, 'req.cnf'), requestConfig({ commonName }));
    await openssl('req', '-new', '-x509', '-config', join(scratch, 'req.cnf'), '-extensions', 'ca', '-key', files.keyFile,
      '-days', '3650', '-sha256', '-out', files.certFile); // prettier-ignore
    return files;
  });
}

/**
 * Issues a certificate for servers (with `hosts`) and clients: `DIR/NAME.crt`, `DIR/NAME.key` (ECDSA P-256).
 *
 * @throws when the `openssl` program is missing
 */
export async function issueCertificate(ca: CertificateAuthority, options: CertificateOptions): Promise<KeyPair> {
  return inScratch(options.dir, async (scratch) => {
    const files = await newKey(options.dir, options.name, scratch);
    const [config, request, certificate] = ['req.cnf', 'req.csr', 'new.crt'].map((file) => join(scratch, file)) as [
      string,
      string,
      string,
    ];
    await writeFile(config, requestConfig(options));
    await openssl('req', '-new', '-config', config, '-key', files.keyFile, '-out', request);
    await openssl('x509', '-req', '-in', request, '-CA', ca.certFile, '-CAkey', ca.keyFile, '-sha256',
      '-set_serial', `0x${randomBytes(16).toString('hex')}`, '-days', String(options.days ?? 365),
      '-extfile', config, '-extensions', 'leaf', '-out', certificate); // prettier-ignore
    await rename(certificate, files.certFile);
    return files;
  });
}

/** What `openssl req` and `openssl x509` read: subject, and the extensions of a CA and of a leaf. */
export function requestConfig({
  commonName,
  organizations = [],
  hosts = [],
}: Pick<CertificateOptions, 'commonName' | 'organizations' | 'hosts'>): string {
  const names = hosts.map((host) => `${isIP(host) ? 'IP' : 'DNS'}:${host}`);
  for (const value of [commonName, ...organizations, ...hosts]) {
    if (/[\n\r$\\]/.test(value)) throw new Error(`not fit for a certificate: ${JSON.stringify(value)}`);
  }
  return `
[req]
prompt = no
distinguished_name = subject
string_mask = utf8only
utf8 = yes
[subject]
${organizations.map((organization, i) => `${i}.O = ${organization}\n`).join('')}CN = ${commonName}
[ca]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign, digitalSignature
subjectKeyIdentifier = hash
[leaf]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = ${names.length ? 'serverAuth, ' : ''}clientAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
${names.length ? `subjectAltName = ${names.join(', ')}` : ''}
`;
}

async function newKey(dir: string, name: string, scratch: string): Promise<KeyPair> {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const files = { certFile: join(dir, `${name}.crt`), keyFile: join(dir, `${name}.key`) };
  const fresh = join(scratch, 'new.key');
  await writeFile(fresh, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  await rename(fresh, files.keyFile);
  return files;
}

async function inScratch<T>(dir: string, work: (scratch: string) => Promise<T>): Promise<T> {
  await mkdir(dir, { recursive: true });
  const scratch = await mkdtemp(join(dir, '.new-'));
  try {
    return await work(scratch);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function openssl(...args: string[]): Promise<void> {
  try {
    await run('openssl', args);
  } catch (error) {
    if (((error as Error).cause as NodeJS.ErrnoException | undefined)?.code === 'ENOENT') {
      throw new Error('the program `openssl` is needed to make certificates (Debian: apt-get install openssl)', {
        cause: error,
      });
    }
    throw error;
  }
}
