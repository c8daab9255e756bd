// The upstream server's own binary, started with what the operator rendered for one of our servers.
import { createRequire } from 'node:module';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Agent, fetch } from 'undici';
import { freePorts } from '../lib/ports.ts';
import { startProcess } from '../lib/process.ts';
import { execute, host, state } from './support.ts';

/** As its npm package ships it. */
function upstream(): string {
  const platform = `kubernetes-mcp-server-${process.platform}-${process.arch === 'x64' ? 'amd64' : process.arch}`;
  const root = dirname(createRequire(import.meta.url).resolve(`${platform}/package.json`));
  return join(root, 'bin', platform);
}

/** Runs it to its end with what was rendered for `name`, and returns what it writes. */
export function startUpstream(name: string): Promise<string> {
  return withFiles(name, {}, async (file) => {
    const { stdout, stderr } = await execute(upstream(), ['--config', file], { timeoutMs: 20_000 });
    return stdout + stderr;
  });
}

/**
 * Serves with what was rendered for `name` while `use` goes on.
 * @param use gets the URL of its endpoint, and how to connect there: its certificate is made out to the hostname of `name`
 */
export async function whileUpstreamServes<T>(
  name: string,
  use: (mcpURL: string, dispatcher: Agent) => Promise<T>,
): Promise<T> {
  const [port = 0] = await freePorts(1);
  const path = 'jsonpath={.spec.hostname}';
  const servername = await host.run(['get', 'kcpmcpserver', name, '-n', state.server.namespace, '-o', path]);
  const dispatcher = new Agent({ connect: { ca: readFileSync(state.caFile), servername } });
  const settings = { port: String(port) };
  try {
    return await withFiles(name, settings, async (file) => {
      const url = `https://127.0.0.1:${port}`;
      const started = await startProcess({
        dir: state.runDir,
        name: `upstream-${name}`,
        command: upstream(),
        args: ['--config', file],
        ready: async () => (await fetch(`${url}/healthz`, { dispatcher })).ok,
      });
      return use(`${url}/mcp`, dispatcher).finally(() => started.stop());
    });
  } finally {
    await dispatcher.close();
  }
}

/** Lays down the ConfigMap, certificate and kubeconfig of `name` for as long as `use` goes on; `use` gets the file of the first. */
async function withFiles<T>(
  name: string,
  { port }: { port?: string },
  use: (configFile: string) => Promise<T>,
): Promise<T> {
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
      .replace(/^bind_address = .*$/m, 'bind_address = "127.0.0.1"')
      .replace(/^port = .*$/m, (line) => (port === undefined ? line : `port = "${port}"`));
    if (here.includes('/etc/kcp-mcp/')) throw new Error('config.toml names a path that is not there');
    writeFileSync(join(dir, 'config.toml'), here);
    return await use(join(dir, 'config.toml'));
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
