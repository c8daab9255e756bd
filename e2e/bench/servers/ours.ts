import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'smol-toml';
import { freePorts } from '../../lib/ports.ts';
import { dist, imageStart } from './image.ts';
import type { Program, ServerOptions } from './under-test.ts';

/** The runtime's bundle, as the image has it (`npm run build`). */
export const bundle = join(dist, 'main.js');

/**
 * Writes a configuration for our runtime and says how to start it: as the image does, on this machine's Node.
 *
 * @param indexKubeconfig with the identity of an index; without one a caller's workspaces are found by walking
 */
export async function prepareOurs(
  options: ServerOptions,
  indexKubeconfig?: string,
): Promise<Program & { origin: string }> {
  const { dir, name, issuerURL, issuerCAFile, audience, tls, kubeconfig } = options;
  const [port = 0, healthPort = 0] = await freePorts(2);
  const origin = `https://127.0.0.1:${port}`;
  const config = {
    port: String(port),
    bind_address: '127.0.0.1',
    tls_cert: tls.certFile,
    tls_key: tls.keyFile,
    require_tls: true,
    kubeconfig,
    require_oauth: true,
    oauth_audience: audience,
    authorization_url: issuerURL,
    certificate_authority: issuerCAFile,
    server_url: origin,
    ...(indexKubeconfig !== undefined && {
      cluster_provider_configs: { kcp: { inventory: 'index', index_kubeconfig: indexKubeconfig } },
    }),
    toolset_configs: { kcp: { health_port: String(healthPort) } },
  };
  const file = join(dir, `${name}.toml`);
  await writeFile(file, stringify(config));
  const { nodeFlags, env } = imageStart();
  return {
    command: process.execPath,
    args: [...nodeFlags, bundle, '--config', file],
    env,
    readyURL: `http://127.0.0.1:${healthPort}/readyz`,
    caFile: tls.caFile,
    origin,
  };
}
