import { readFile, writeFile } from 'node:fs/promises';

export interface KubeconfigOptions {
  file: string;
  /** Address of a workspace, `https://HOST:PORT/clusters/PATH`. */
  server: string;
  caFile: string;
  /** Bearer token of the one identity; none for callers who bring their own. */
  token?: string;
}

/** Writes a kubeconfig with one context. */
export async function writeKubeconfig({ file, server, caFile, token }: KubeconfigOptions): Promise<string> {
  const ca = (await readFile(caFile)).toString('base64');
  const kubeconfig = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'kcp', cluster: { server, 'certificate-authority-data': ca } }],
    users: [{ name: 'caller', user: token === undefined ? {} : { token } }],
    contexts: [{ name: 'kcp', context: { cluster: 'kcp', user: 'caller' } }],
    'current-context': 'kcp',
  };
  await writeFile(file, JSON.stringify(kubeconfig), { mode: 0o600 });
  return file;
}
