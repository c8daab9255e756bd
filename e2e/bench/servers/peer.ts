import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { stringify } from 'smol-toml';
import { freePorts } from '../../lib/ports.ts';
import type { Program, ServerOptions } from './under-test.ts';

/**
 * `oidc`: callers sign in, one workspace (strategy `kubeconfig`), for with strategy `kcp` it doesn't start then. `shared`: all
 * workspaces (strategy `kcp`) with the one identity of the kubeconfig, and no sign-in.
 */
export type PeerMode = 'oidc' | 'shared';

const platform = `kubernetes-mcp-server-${process.platform}-${process.arch === 'x64' ? 'amd64' : process.arch}`;
const packageFile = createRequire(import.meta.url).resolve(`${platform}/package.json`);

/** The version of the upstream server that is measured. */
export function peerVersion(): string {
  return (JSON.parse(readFileSync(packageFile, 'utf8')) as { version: string }).version;
}

/** Writes a configuration for the upstream server's own binary, as its npm package ships it, and says how to start it. */
export async function preparePeer(mode: PeerMode, options: ServerOptions): Promise<Program & { origin: string }> {
  const { dir, name, issuerURL, issuerCAFile, audience, tls, kubeconfig } = options;
  const [port = 0] = await freePorts(1);
  const origin = `https://127.0.0.1:${port}`;
  const config = {
    port: String(port),
    bind_address: '127.0.0.1',
    stateless: true,
    list_output: 'table',
    tls_cert: tls.certFile,
    tls_key: tls.keyFile,
    kubeconfig,
    toolsets: ['core', 'kcp'],
    cluster_provider_strategy: mode === 'oidc' ? 'kubeconfig' : 'kcp',
    ...(mode === 'oidc' && {
      cluster_auth_mode: 'passthrough',
      require_oauth: true,
      oauth_audience: audience,
      authorization_url: issuerURL,
      certificate_authority: issuerCAFile,
      server_url: origin,
    }),
  };
  const file = join(dir, `${name}.toml`);
  await writeFile(file, stringify(config));
  return {
    command: join(dirname(packageFile), 'bin', platform),
    args: ['--config', file],
    env: {},
    readyURL: `${origin}/healthz`,
    caFile: tls.caFile,
    origin,
  };
}
