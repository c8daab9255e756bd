import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { kubeconfigOf } from './testing/fake-kcp.ts';

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url));

async function run(
  args: string[],
  env: Record<string, string> = {},
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, ['--no-warnings', MAIN, ...args], { env: { PATH: '', ...env } });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, stdout, stderr };
}

test('--help lists every flag and variable', async () => {
  const { code, stdout } = await run(['--help']);
  expect(code).toBe(0);
  for (const word of [
    '--config ',
    '--config-dir',
    '--help',
    '--version',
    'KCP_MCP_CONFIG ',
    'KCP_MCP_CONFIG_DIR',
    'Exit',
  ])
    expect(stdout).toContain(word);
});

test('--version', async () => {
  expect(await run(['--version'])).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^kcp-mcp-runtime \d+\.\d+\.\d+\n$/),
  });
});

test.each([
  ['an unknown flag', ['--confg', 'x'], "Unknown option '--confg'"],
  ['an argument', ['x.toml'], "Unexpected argument 'x.toml'"],
  ['no configuration', [], 'give --config FILE or set KCP_MCP_CONFIG'],
  ['a configuration that is not there', ['--config', 'nope.toml'], "nope.toml: can't be read (ENOENT)"],
])('%s: exit 2 with a message', async (_, args, message) => {
  const { code, stderr } = await run(args);
  expect(stderr).toContain(message);
  expect(code).toBe(2);
});

test('KCP_MCP_CONFIG names the file; all that is wrong in it is told: exit 2', async () => {
  const file = join(await mkdtemp(join(tmpdir(), 'main-')), 'config.toml');
  await writeFile(file, 'port = 1\nstateless = false\n');
  const { code, stderr } = await run([], { KCP_MCP_CONFIG: file });
  expect(code).toBe(2);
  expect(stderr).toContain(`${file}:1: port = 1: must be a port number`);
  expect(stderr).toContain(`${file}:2: stateless = false: is not supported yet`);
  expect(stderr).not.toContain('    at ');
});

test.each<[string, (dir: string) => string[], (dir: string) => Record<string, string>]>([
  ['--config-dir', (dir) => ['--config', join(dir, 'config.toml'), '--config-dir', 'more'], () => ({})],
  ['KCP_MCP_CONFIG_DIR', (dir) => ['--config', join(dir, 'config.toml')], () => ({ KCP_MCP_CONFIG_DIR: 'more' })],
  ['--config-dir alone', (dir) => ['--config-dir', join(dir, 'more')], () => ({})],
  ['KCP_MCP_CONFIG_DIR alone', () => [], (dir) => ({ KCP_MCP_CONFIG_DIR: join(dir, 'more') })],
])('%s names the folder of drop-ins', async (_, args, env) => {
  const dir = await mkdtemp(join(tmpdir(), 'main-'));
  await mkdir(join(dir, 'more'));
  await writeFile(join(dir, 'config.toml'), '');
  await writeFile(join(dir, 'more', 'a.toml'), 'port = 1\n');
  const { code, stderr } = await run(args(dir), env(dir));
  expect(stderr).toContain(`${dir}/more/a.toml:1: port = 1: must be a port number`);
  expect(code).toBe(2);
});

test('SIGHUP reads the configuration again, SIGTERM ends it', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'main-'));
  const file = join(dir, 'config.toml');
  await writeFile(join(dir, 'kubeconfig'), kubeconfigOf('https://127.0.0.1:1', ''));
  await writeFile(
    file,
    `port = "0"
bind_address = "127.0.0.1"
kubeconfig = "${dir}/kubeconfig"
oauth_audience = "kcp"
authorization_url = "https://localhost:1"
server_url = "https://mcp.example.com"
[toolset_configs.kcp]
health_port = "0"
`,
  );
  const child = spawn(process.execPath, ['--no-warnings', MAIN, '--config', file], { env: { PATH: '' } });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const lines = createInterface({ input: child.stdout });
  for await (const line of lines) {
    const { message, what } = JSON.parse(line) as { message: string; what?: string };
    if (message === 'listening') child.kill('SIGHUP');
    if (message === 'reloaded' && what === 'config') child.kill('SIGTERM');
  }
  expect(await ended).toBe(0);
});

test.each(['stdout', 'stderr'] as const)('what fails later is exit 1 with a log line on %s', async (stream) => {
  const file = join(await mkdtemp(join(tmpdir(), 'main-')), 'config.toml');
  await writeFile(
    file,
    `${stream === 'stderr' ? 'log_file = "stderr"' : ''}
kubeconfig = "/nowhere/kubeconfig"
oauth_audience = "kcp"
authorization_url = "https://localhost:1"
server_url = "https://mcp.example.com"
`,
  );
  const { code, ...output } = await run(['--config', file]);
  expect(code).toBe(1);
  expect(output.stdout + output.stderr).toBe(output[stream]);
  expect(JSON.parse(output[stream])).toMatchObject({
    level: 'error',
    message: "can't start",
    error: expect.stringContaining('/nowhere/kubeconfig'),
  });
});
