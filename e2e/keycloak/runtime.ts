// The MCP runtime beside a cluster: started with what the operator renders for a KcpMcpServer, its paths moved here.
import { chmod, copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { API_VERSION, KIND, specSchema } from '../../operator/src/api/kcp-mcp-server.ts';
import type { KcpMcpServerSpecInput } from '../../operator/src/api/kcp-mcp-server.ts';
import { configMap } from '../../operator/src/resources/config-map.ts';
import { copyKubeconfig, kubeconfigSecret } from '../../operator/src/resources/index.ts';
import { repoRoot } from '../lib/cache.ts';
import { freePorts } from '../lib/ports.ts';
import { startProcess } from '../lib/process.ts';
import type { StartedProcess } from '../lib/process.ts';
import { answers } from '../oidc/http.ts';
import type { TLSFiles } from '../oidc/tls-files.ts';

export interface RuntimeOptions {
  /** Run folder; the runtime's files go into `DIR/NAME`. */
  dir: string;
  name: string;
  /** Of the public endpoint. */
  port: number;
  tls: TLSFiles;
  /** `spec.auth`; what it refers to is at hand here. */
  auth: NonNullable<KcpMcpServerSpecInput['auth']>;
  /** A kubeconfig with the address and CA of kcp. */
  kubeconfig: string;
  /** Of `clientSecretRef`. */
  clientSecret?: string;
}

export interface RunningRuntime extends StartedProcess {
  mcpURL: string;
  /** Where the client secret is; writing it rotates it. */
  clientSecretFile: string;
}

/** Starts `mcp-runtime/dist/main.js` on loopback and waits until it is ready. @throws with the end of its log */
export async function startRuntime(options: RuntimeOptions): Promise<RunningRuntime> {
  const { name, port, tls, auth } = options;
  const home = join(options.dir, name);
  await mkdir(home, { recursive: true, mode: 0o700 });
  const externalURL = `https://localhost:${port}`;
  const server = {
    apiVersion: API_VERSION,
    kind: KIND,
    metadata: { name, namespace: 'kcp-mcp', uid: '00000000-0000-4000-8000-000000000001' },
    spec: specSchema.parse({
      hostname: 'localhost',
      externalURL,
      kcp: { secretRef: { name: 'kcp' } },
      auth,
      tls: { secretName: 'tls' },
    } satisfies KcpMcpServerSpecInput),
  } as const;
  const copy = kubeconfigSecret(server, { kubeconfig: copyKubeconfig(options.kubeconfig) });
  const clientSecretFile = join(home, 'client-secret');
  await writeFile(join(home, 'kubeconfig'), Buffer.from(copy.data?.['kubeconfig'] ?? '', 'base64'));
  await writeFile(clientSecretFile, options.clientSecret ?? '', { mode: 0o600 });
  await copyFile(tls.certFile, join(home, 'tls.crt'));
  await copyFile(tls.keyFile, join(home, 'tls.key'));
  await chmod(join(home, 'tls.key'), 0o600);
  await copyFile(tls.caFile, join(home, 'ca.crt'));
  const [health = 0] = await freePorts(1);
  const toml = configMap(server).data?.['config.toml'] ?? '';
  const here = toml
    .replaceAll(/\/etc\/kcp-mcp\/[\w-]+\//g, `${home}/`)
    .replace(/^port = .*$/m, `port = "${port}"`)
    .replace(/^health_port = .*$/m, `health_port = "${health}"`)
    .replace(/^bind_address = .*$/m, 'bind_address = "127.0.0.1"');
  await writeFile(join(home, 'config.toml'), here);
  const started = await startProcess({
    dir: options.dir,
    name,
    command: process.execPath,
    args: [join(repoRoot, 'mcp-runtime/dist/main.js'), '--config', join(home, 'config.toml')],
    ready: async () =>
      (await fetch(`http://127.0.0.1:${health}/readyz`)).ok && answers(tls.caFile, `${externalURL}/healthz`),
    stopSignal: 'SIGINT',
  });
  return { ...started, mcpURL: `${externalURL}/mcp`, clientSecretFile };
}
