import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createRequire } from 'node:module';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { execute, host, state } from './support.ts';

/** The upstream server's own binary, as its npm package ships it. */
const upstream = (): string => {
  const platform = `kubernetes-mcp-server-${process.platform}-${process.arch === 'x64' ? 'amd64' : process.arch}`;
  const root = dirname(createRequire(import.meta.url).resolve(`${platform}/package.json`));
  return join(root, 'bin', platform);
};

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(state.runDir, 'upstream-'));
});
afterAll(() => {
  rmSync(dir, { recursive: true, force: true });
});

test('the upstream server parses the rendered ConfigMap and takes up its settings, up to its own fault with kcp and OIDC', async () => {
  const { namespace, name } = state.server;
  const get = (kind: string, object: string, key: string): Promise<string> =>
    host.run(['get', kind, object, '-n', namespace, '-o', `jsonpath={.data.${key.replaceAll('.', '\\.')}}`]);
  const toml = await get('configmap', `${name}-mcp-config`, 'config.toml');
  for (const [key, file] of [
    ['tls.crt', 'tls.crt'],
    ['tls.key', 'tls.key'],
  ] as const) {
    writeFileSync(join(dir, file), Buffer.from(await get('secret', `${name}-mcp-tls`, key), 'base64'), { mode: 0o600 });
  }
  const kubeconfig = Buffer.from(await get('secret', `${name}-mcp-kubeconfig`, 'kubeconfig'), 'base64');
  writeFileSync(join(dir, 'kubeconfig'), kubeconfig);
  copyFileSync(state.caFile, join(dir, 'ca.crt'));
  const here = toml
    .replaceAll(/\/etc\/kcp-mcp\/(tls|config|kubeconfig|oidc-ca)\//g, `${dir}/`)
    .replace(/^bind_address = .*$/m, 'bind_address = "127.0.0.1"');
  expect(here).not.toContain('/etc/kcp-mcp/');
  writeFileSync(join(dir, 'config.toml'), here);

  const { stdout, stderr } = await execute(upstream(), ['--config', join(dir, 'config.toml')], { timeoutMs: 20_000 });
  const output = stdout + stderr;
  expect(output).not.toContain('failed to read and merge config');
  expect(output).toContain('config.toolsets=["core","kcp"]');
  expect(output).toContain('config.cluster_provider_strategy="kcp"');
  // Past parsing, it fails for a reason of its own: it wants a caller's token when it starts.
  expect(output).toContain('oauth token required');
});
