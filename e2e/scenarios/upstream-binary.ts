// The upstream server's own binary, started with what the operator rendered for one of our servers.
import { createRequire } from 'node:module';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { execute, host, state } from './support.ts';

/** As its npm package ships it. */
function upstream(): string {
  const platform = `kubernetes-mcp-server-${process.platform}-${process.arch === 'x64' ? 'amd64' : process.arch}`;
  const root = dirname(createRequire(import.meta.url).resolve(`${platform}/package.json`));
  return join(root, 'bin', platform);
}

/** Runs it to its end with the ConfigMap, certificate and kubeconfig of `name`, and returns what it writes. */
export async function startUpstream(name: string): Promise<string> {
  const { namespace } = state.server;
  const dir = mkdtempSync(join(state.runDir, 'upstream-'));
  try {
    const get = (kind: string, object: string, key: string): Promise<string> =>
      host.run(['get', kind, object, '-n', namespace, '-o', `jsonpath={.data.${key.replaceAll('.', '\\.')}}`]);
    const toml = await get('configmap', `${name}-mcp-config`, 'config.toml');
    for (const file of ['tls.crt', 'tls.key'] as const) {
      const content = Buffer.from(await get('secret', `${name}-mcp-tls`, file), 'base64');
      writeFileSync(join(dir, file), content, { mode: 0o600 });
    }
    const kubeconfig = Buffer.from(await get('secret', `${name}-mcp-kubeconfig`, 'kubeconfig'), 'base64');
    writeFileSync(join(dir, 'kubeconfig'), kubeconfig);
    copyFileSync(state.caFile, join(dir, 'ca.crt'));
    const here = toml
      .replaceAll(/\/etc\/kcp-mcp\/(tls|config|kubeconfig|oidc-ca|exchange-client)\//g, `${dir}/`)
      .replace(/^bind_address = .*$/m, 'bind_address = "127.0.0.1"');
    if (here.includes('/etc/kcp-mcp/')) throw new Error('config.toml names a path that is not there');
    writeFileSync(join(dir, 'config.toml'), here);
    const { stdout, stderr } = await execute(upstream(), ['--config', join(dir, 'config.toml')], { timeoutMs: 20_000 });
    return stdout + stderr;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
