import { readFile, writeFile } from 'node:fs/promises';
import { stringify } from 'yaml';
import { issueCertificate } from '../lib/certs.ts';
import type { CertificateAuthority } from '../lib/certs.ts';

export interface KubeconfigOptions {
  /** The file to write (mode 0600), self-contained: certificates and key are inside. */
  file: string;
  url: string;
  caFile: string;
  certFile: string;
  keyFile: string;
}

/** Writes a kubeconfig with one cluster, one user (client certificate) and one context. */
export async function writeKubeconfig(options: KubeconfigOptions): Promise<string> {
  const data = async (file: string) => (await readFile(file)).toString('base64');
  const kubeconfig = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name: 'default',
        cluster: { server: options.url, 'certificate-authority-data': await data(options.caFile) },
      },
    ],
    users: [
      {
        name: 'default',
        user: {
          'client-certificate-data': await data(options.certFile),
          'client-key-data': await data(options.keyFile),
        },
      },
    ],
    contexts: [{ name: 'default', context: { cluster: 'default', user: 'default' } }],
    'current-context': 'default',
  };
  await writeFile(options.file, stringify(kubeconfig), { mode: 0o600 });
  return options.file;
}

/** Issues a client certificate for a user and its groups, and writes a kubeconfig with it. */
export async function issueKubeconfig(
  ca: CertificateAuthority,
  options: { file: string; url: string; dir: string; name: string; user: string; groups?: readonly string[] },
): Promise<string> {
  const { dir, name, user, groups = [] } = options;
  const pair = await issueCertificate(ca, { dir, name, commonName: user, organizations: groups });
  return writeKubeconfig({ file: options.file, url: options.url, caFile: ca.certFile, ...pair });
}
