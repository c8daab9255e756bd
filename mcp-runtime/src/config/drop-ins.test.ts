import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { dropInFolder, listDropIns } from './drop-ins.ts';
import { ConfigError, loadConfig } from './load.ts';

const VALID = `kubeconfig = "/k"
oauth_audience = "platform-mesh"
authorization_url = "https://auth.example.com"
server_url = "https://mcp.example.com/"
`;

let dir: string;
let main: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'drop-ins-'));
  main = join(dir, 'config.toml');
  await writeFile(main, VALID);
});
afterEach(() => rm(dir, { recursive: true }));

/** Writes drop-ins beside the main file. */
async function dropIns(files: Record<string, string>, folder = 'conf.d'): Promise<string> {
  const path = join(dir, folder);
  await mkdir(path, { recursive: true });
  for (const [name, content] of Object.entries(files)) await writeFile(join(path, name), content);
  return path;
}

/** What is wrong, without the folder's name. */
async function problems({ file, folder }: { file?: string; folder?: string } = { file: main }): Promise<string[]> {
  try {
    await loadConfig(file, folder);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map((text) => text.replaceAll(`${dir}/`, ''));
    throw error;
  }
  return [];
}

describe('the folder', () => {
  test.each([
    ['conf.d beside the main file', '/etc/mcp/config.toml', undefined, '/etc/mcp/conf.d'],
    ['relative to the main file', '/etc/mcp/config.toml', 'more/here', '/etc/mcp/more/here'],
    ['absolute', '/etc/mcp/config.toml', '/run/mcp', '/run/mcp'],
    ['of a relative main file', 'config.toml', undefined, 'conf.d'],
    ['without a main file', undefined, 'conf.d', 'conf.d'],
  ])('%s', (_, file, folder, expected) => {
    expect(dropInFolder(file, folder)).toBe(expected);
  });
});

describe('which files count', () => {
  test('*.toml in the order of their names; no folders, nothing hidden', async () => {
    const folder = await dropIns({
      '99.toml': '',
      '10.toml': '',
      '9.toml': '',
      a: '',
      '.b.toml': '',
      'c.toml.bak': '',
    });
    await mkdir(join(folder, 'd.toml'));
    await symlink('d.toml', join(folder, 'e.toml'));
    expect((await listDropIns(folder)).map((path) => basename(path))).toEqual(['10.toml', '9.toml', '99.toml']);
  });

  test('a volume as kubelet mounts it: links into a hidden folder', async () => {
    const folder = await dropIns({});
    await dropIns({ 'a.toml': 'read_only = true' }, 'conf.d/..2026_01_01');
    await symlink('..2026_01_01', join(folder, '..data'));
    await symlink('..data/a.toml', join(folder, 'a.toml'));
    expect((await listDropIns(folder)).map((path) => basename(path))).toEqual(['a.toml']);
    expect(await loadConfig(main)).toMatchObject({ read_only: true });
  });

  test('none where there is no folder', async () => {
    expect(await listDropIns(join(dir, 'nope'))).toEqual([]);
    expect(await loadConfig(main, 'nope')).toMatchObject({ read_only: false });
  });
});

describe('the configuration', () => {
  test('is merged from the main file and the drop-ins, in order', async () => {
    await dropIns({
      '20-last.toml': 'log_level = 9\n[http]\nrate_limit_burst = 7',
      '10-first.toml': 'log_level = 3\nread_only = true\n[http]\nrate_limit_rps = 5',
    });
    expect(await loadConfig(main)).toMatchObject({
      kubeconfig: '/k',
      log_level: 9,
      read_only: true,
      http: { rate_limit_rps: 5, rate_limit_burst: 7, max_body_bytes: 4_194_304 },
    });
  });

  test('may come from drop-ins alone', async () => {
    const folder = await dropIns({ 'a.toml': VALID, 'b.toml': 'read_only = true' });
    expect(await loadConfig(undefined, folder)).toMatchObject({ kubeconfig: '/k', read_only: true });
  });

  test('may be completed by a drop-in: only the whole is checked', async () => {
    await writeFile(main, VALID.replace(/^oauth_audience.*\n/m, ''));
    await dropIns({ 'a.toml': 'oauth_audience = "kcp"' });
    expect(await loadConfig(main)).toMatchObject({ oauth_audience: 'kcp' });
  });
});

describe('what is wrong is told of the file that says it', () => {
  test('with its line, in the order of the files', async () => {
    await writeFile(main, `${VALID}log_level = 1\nport = 1\n`);
    await dropIns({
      'b.toml': '# comment\nread_ony = true\n[http]\nmax_body_bytes = 0',
      'a.toml': 'log_level = "high"\n\nstateless = false',
    });
    expect(await problems()).toEqual([
      'config.toml:6: port = 1: must be a port number in quotes, such as "8443"',
      'conf.d/a.toml:1: log_level = "high": must be a whole number from 0 to 9',
      expect.stringMatching(/^conf.d\/a.toml:3: stateless = false: is not supported yet/),
      'conf.d/b.toml:2: read_ony: unknown key; did you mean read_only?',
      'conf.d/b.toml:4: http.max_body_bytes = 0: must be a whole number greater than 0',
    ]);
  });

  test('what is missing is told of the main file, or of the folder where there is none', async () => {
    await writeFile(main, VALID.replace(/^oauth_audience.*\n/m, ''));
    await dropIns({ 'a.toml': 'read_only = true' });
    expect(await problems()).toEqual([expect.stringMatching(/^config.toml: oauth_audience is missing: it must be/)]);
    const folder = await dropIns({ 'a.toml': VALID.replace(/^kubeconfig.*\n/m, '') }, 'alone');
    expect(await problems({ folder })).toEqual([expect.stringMatching(/^alone: kubeconfig is missing: it must/)]);
  });

  test('what a later file puts right is not told', async () => {
    await dropIns({ 'a.toml': 'log_level = "high"', 'b.toml': 'log_level = 2' });
    expect(await problems()).toEqual([]);
  });

  test('syntax errors and unreadable files, all at once', async () => {
    const folder = await dropIns({ 'a.toml': 'x = ', 'b.toml': 'read_only = true', 'c.toml': 'y' });
    await symlink('nowhere', join(folder, 'd.toml'));
    expect(await problems()).toEqual([
      expect.stringMatching(/^conf.d\/a.toml:1:\d+: isn't valid TOML/),
      expect.stringMatching(/^conf.d\/c.toml:1:\d+: isn't valid TOML/),
      "conf.d/d.toml: can't be read (ENOENT); make it readable or remove it",
    ]);
  });

  test('a folder that is none', async () => {
    await writeFile(join(dir, 'conf.d'), '');
    expect(await problems()).toEqual([
      "conf.d: can't be read (ENOTDIR); give a folder of drop-in files with --config-dir",
    ]);
  });

  test('an empty folder and no main file', async () => {
    expect(await problems({ folder: await dropIns({}) })).toEqual([
      'conf.d: holds no *.toml file; put one there, or give the main file with --config',
    ]);
  });

  test('keys that would move the cursor or the text are shown as they are', async () => {
    await dropIns({ 'a.toml': '"a\\u001b[2J\\u202e.b" = 1' });
    expect(await problems()).toEqual([
      String.raw`conf.d/a.toml:1: "a\u001b[2J\u{202e}.b": unknown key; remove it or see docs/configuration.md for the keys`,
    ]);
  });
});
