import { readFile, writeFile } from 'node:fs/promises';
import { stringify } from 'yaml';

export interface AdminKubeconfigOptions {
  file: string;
  /** Base URL of kcp. */
  url: string;
  caFile: string;
  certFile: string;
  keyFile: string;
}

/** Writes the kubeconfig that kcp itself would: contexts `root` (current) and `base` (no workspace in the server URL). */
export async function writeAdminKubeconfig({
  file,
  url,
  caFile,
  certFile,
  keyFile,
}: AdminKubeconfigOptions): Promise<void> {
  const [ca, cert, key] = await Promise.all(
    [caFile, certFile, keyFile].map(async (each) => (await readFile(each)).toString('base64')),
  );
  const user = 'kcp-admin';
  const cluster = (name: string, server: string) => ({ name, cluster: { server, 'certificate-authority-data': ca } });
  const kubeconfig = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [cluster('root', `${url}/clusters/root`), cluster('base', url)],
    users: [{ name: user, user: { 'client-certificate-data': cert, 'client-key-data': key } }],
    contexts: ['root', 'base'].map((name) => ({ name, context: { cluster: name, user } })),
    'current-context': 'root',
  };
  await writeFile(file, stringify(kubeconfig), { mode: 0o600 });
}
