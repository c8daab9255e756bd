import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { parse, stringify } from 'yaml';
import { createCA } from '../../../../e2e/lib/certs.ts';
import { startFakeKcp } from '../../testing/fake-kcp.ts';
import type { FakeKcp } from '../../testing/fake-kcp.ts';
import { createBench } from '../../testing/toolset.ts';
import type { ToolBench } from '../../testing/toolset.ts';
import { readFileSync } from 'node:fs';

let fake: FakeKcp;
let dir: string;
let ca: string;
const benches: ToolBench[] = [];
beforeAll(async () => {
  fake = await startFakeKcp();
  dir = await mkdtemp(join(tmpdir(), 'config-tools-'));
  ca = readFileSync((await createCA(dir, 'ca', 'kcp-ca')).certFile, 'base64');
});
afterEach(async () => {
  fake.reset();
  await Promise.all(benches.splice(0).map(({ kcp }) => kcp.close()));
});
afterAll(async () => {
  await fake.stop();
  await rm(dir, { recursive: true });
});

function bench(settings: Parameters<typeof createBench>[1] = {}): ToolBench {
  const created = createBench(fake, { toolsets: ['config'], ...settings });
  benches.push(created);
  return created;
}

describe('configuration_view', () => {
  const SECRETS = ['s3cret-token', 's3cret-password', 's3cret-env', 's3cret-key', 's3cret-proxy', 's3cret-extension'];
  const [token, password, env, key, proxy, extension] = SECRETS;
  const written = {
    apiVersion: 'v1',
    kind: 'Config',
    preferences: { extensions: [{ name: 'x', extension }] },
    'current-context': 'here',
    contexts: [
      { name: 'here', context: { cluster: 'kcp', user: 'me', namespace: 'shop', extensions: [{ extension }] } },
      { name: 'there', context: { cluster: 'other', user: 'exec' } },
    ],
    clusters: [
      { name: 'kcp', cluster: { server: 'https://kcp.test:6443', 'certificate-authority-data': '', 'tls-server-name': 'kcp' } },
      { name: 'other', cluster: { server: `https://me:${password}@other.test`, 'proxy-url': `http://u:${proxy}@proxy:1`, unknown: extension } },
    ],
    users: [
      { name: 'me', user: { token, password, 'client-key-data': key, tokenFile: '/run/token' } },
      { name: 'exec', user: { exec: { command: 'get-token', env: [{ name: 'X', value: env }] } } },
    ],
  }; // prettier-ignore

  async function view(args: object, config: unknown = written): Promise<string> {
    const kubeconfig = join(dir, 'kubeconfig');
    await writeFile(kubeconfig, typeof config === 'string' ? config : stringify(config));
    return bench({ kubeconfig }).text('configuration_view', args);
  }

  test('what belongs to the current context, no credentials', async () => {
    expect(parse(await view({}))).toEqual({
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'here',
      clusters: [
        {
          name: 'kcp',
          cluster: {
            server: 'https://kcp.test:6443',
            'certificate-authority-data': '[0 certificates: ]',
            'tls-server-name': 'kcp',
          },
        },
      ],
      contexts: [
        { name: 'here', context: { cluster: 'kcp', user: 'me', namespace: 'shop', extensions: '[redacted]' } },
      ],
      users: [
        {
          name: 'me',
          user: {
            token: '[redacted]',
            password: '[redacted]',
            'client-key-data': '[redacted]',
            tokenFile: '[redacted]',
          },
        },
      ],
    });
  });

  test('all of it, still no credentials', async () => {
    const text = await view({ minified: false });
    for (const secret of SECRETS) expect(text).not.toContain(secret);
    expect(parse(text)).toMatchObject({
      contexts: [{ name: 'here' }, { name: 'there' }],
      clusters: [
        { name: 'kcp' },
        { cluster: { server: 'https://[redacted]@other.test', 'proxy-url': 'http://[redacted]@proxy:1', unknown: '[redacted]' } },
      ],
      users: [{ name: 'me' }, { name: 'exec', user: { exec: '[redacted]' } }],
    }); // prettier-ignore
  });

  test('CAs in words', async () => {
    const cluster = { server: 'https://kcp.test', 'certificate-authority-data': ca };
    const text = await view({}, { ...written, clusters: [{ name: 'kcp', cluster }] });
    expect(text).toMatch(
      /certificate-authority-data: "?\[1 certificate: .*kcp-ca.*, until \d{4}-\d\d-\d\d, SHA-256 [0-9a-f]{16}…\]/,
    );
    expect(text).not.toContain(ca.slice(100, 150));
  });

  test('a file that is none, odd entries, and a file that is not there', async () => {
    expect(parse(await view({ minified: false }, { clusters: [1, { name: 'x', cluster: token }], users: 5 }))).toMatchObject({
      clusters: [{ cluster: '[redacted]', name: '' }, { cluster: '[redacted]', name: 'x' }],
      users: [],
    }); // prettier-ignore
    const kubeconfig = join(dir, 'bad');
    await writeFile(kubeconfig, `a: [\n  ${token ?? ''}: x: y`);
    const text = await bench({ kubeconfig }).failure('configuration_view');
    expect(text).toContain("The kubeconfig isn't valid YAML");
    expect(text).not.toContain(token);
    expect(await bench({ kubeconfig: join(dir, 'none') }).failure('configuration_view')).toBe(
      'The kubeconfig of this server cannot be read.',
    );
  });
});

describe('workspace_list', () => {
  test('the paths that the caller can name, the default one marked', async () => {
    expect(await bench().text('workspace_list')).toBe(
      [
        'Available workspaces (3 total, default: root; * marks it):',
        '* root',
        '  root:acme',
        '  root:acme:team-a',
      ].join('\n'),
    );
  });

  test('page by page', async () => {
    const { text } = bench();
    const first = await text('workspace_list', { limit: 2 });
    expect(first).toContain(
      '  root:acme\n[cut after 2: 1 more follow; call again with the same arguments and continue: "root:acme"]',
    );
    const second = await text('workspace_list', { limit: 2, continue: 'root:acme' });
    expect(second.split('\n').slice(1)).toEqual(['  root:acme:team-a']);
  });

  test('denied Workspaces', async () => {
    const { failure } = bench({ denied_resources: [{ group: 'tenancy.kcp.io' }] });
    expect(await failure('workspace_list')).toContain('denied_resources');
  });
});
