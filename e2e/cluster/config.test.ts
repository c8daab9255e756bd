import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parse as parseToml } from 'smol-toml';
import { parse as parseYaml } from 'yaml';
import { addressesOf } from './addresses.ts';
import { fullName } from './buildah.ts';
import { apiserverArguments } from './control-plane-config.ts';
import { aptConfig } from './debian.ts';
import { copiedFrom } from './images.ts';
import { writeKubeconfig } from './kubeconfig.ts';
import { cgroupName } from './namespaces.ts';
import { cniConfig, containerdConfig, kubeProxyConfig, kubeletConfig } from './node-config.ts';

const addresses = addressesOf(7);

describe('node configuration', () => {
  test('containerd keeps its data where it is told and leaves the kernel’s AppArmor alone', () => {
    const text = containerdConfig({
      root: '/a "b"/root',
      cniConfigDir: '/c',
      cniPluginDir: '/p',
      snapshotter: 'native',
    });
    const config = parseToml(text) as { root: string; plugins: Record<string, Record<string, unknown>> };
    expect(config.root).toBe('/a "b"/root');
    expect(config.plugins['io.containerd.grpc.v1.cri']).toMatchObject({
      disable_apparmor: true,
      restrict_oom_score_adj: true,
      containerd: { snapshotter: 'native' },
      cni: { conf_dir: '/c', bin_dir: '/p' },
    });
  });

  test('Pods get addresses past the gateway and the node, and a route to ClusterIPs by the node', () => {
    const [bridge] = (
      cniConfig(addresses, '/data') as { plugins: [{ ipam: object; ipMasq: boolean; isGateway: boolean }] }
    ).plugins;
    // Either would make the plugin change sysctls or iptables.
    expect(bridge).toMatchObject({ ipMasq: false, isGateway: false });
    expect(bridge.ipam).toEqual({
      type: 'host-local',
      dataDir: '/data',
      ranges: [[{ subnet: '10.244.7.0/24', rangeStart: '10.244.7.10', gateway: '10.244.7.1' }]],
      routes: [{ dst: '0.0.0.0/0' }, { dst: '10.96.7.0/24', gw: '10.244.7.2' }],
    });
  });

  test('kubelet asks the API server who may call it, and writes no sysctls or iptables', () => {
    const files = { clientCAFile: '/ca', tlsCertFile: '/crt', tlsPrivateKeyFile: '/key', resolvConf: '/resolv' };
    expect(kubeletConfig(files)).toMatchObject({
      authentication: { anonymous: { enabled: false }, webhook: { enabled: true }, x509: { clientCAFile: '/ca' } },
      authorization: { mode: 'Webhook' },
      protectKernelDefaults: true,
      makeIPTablesUtilChains: false,
    });
  });

  test('kube-proxy leaves the kernel’s connection limits alone', () => {
    expect(kubeProxyConfig(addresses, '/kubeconfig')).toMatchObject({
      clientConnection: { kubeconfig: '/kubeconfig' },
      mode: 'nftables',
      conntrack: { maxPerCore: 0, min: 0 },
      nftables: { masqueradeAll: true },
    });
  });

  test('cgroups are named after the run folder, however it is written', () => {
    expect(cgroupName('/a/b')).toBe(cgroupName('/a/c/../b/'));
    expect(cgroupName('/a/b')).not.toBe(cgroupName('/a/c'));
  });
});

describe('kube-apiserver’s command line', () => {
  const pki = {
    caFile: 'ca', serverCert: 'sc', serverKey: 'sk', serviceAccountCert: 'ac', serviceAccountKey: 'ak',
    frontProxyCA: 'fp', adminCert: 'mc', adminKey: 'mk',
  }; // prettier-ignore
  const settings = { dir: '/run', address: '127.0.0.1', port: 1, etcdURL: 'http://127.0.0.1:2', pki };

  test('alone it doesn’t insist on service accounts, and with a node it limits kubelets to their own', () => {
    expect(apiserverArguments(settings)).toContain('--disable-admission-plugins=ServiceAccount');
    const node = apiserverArguments({ ...settings, serviceCIDR: '10.96.7.0/24' });
    expect(node).toEqual(
      expect.arrayContaining(['--authorization-mode=Node,RBAC', '--enable-admission-plugins=NodeRestriction']),
    );
    expect(node).not.toContain('--disable-admission-plugins=ServiceAccount');
  });

  test('audits only when asked', () => {
    expect(apiserverArguments(settings).join(' ')).not.toContain('--audit');
    expect(apiserverArguments({ ...settings, auditLog: '/log' })).toContain('--audit-log-path=/log');
  });

  test('accepts tokens only when told whose', () => {
    expect(apiserverArguments(settings).join(' ')).not.toContain('--oidc');
    const oidc = { issuerURL: 'https://issuer', clientID: 'id', caFile: '/ca' };
    expect(apiserverArguments({ ...settings, oidc })).toContain('--oidc-issuer-url=https://issuer');
  });
});

test('a kubeconfig holds what it needs and only its owner reads it', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'kcp-mcp-kubeconfig-'));
  try {
    const files = { caFile: join(dir, 'ca'), certFile: join(dir, 'crt'), keyFile: join(dir, 'key') };
    for (const file of Object.values(files)) await writeFile(file, file);
    const file = await writeKubeconfig({ file: join(dir, 'kubeconfig'), url: 'https://127.0.0.1:1', ...files });
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const config = parseYaml(await readFile(file, 'utf8')) as { clusters: [{ cluster: object }] };
    expect(config.clusters[0].cluster).toEqual({
      server: 'https://127.0.0.1:1',
      'certificate-authority-data': Buffer.from(files.caFile).toString('base64'),
    });
  } finally {
    await rm(dir, { recursive: true });
  }
});

describe('apt’s private configuration', () => {
  const dump = [
    'APT::Architecture "amd64";',
    'Acquire::http::Proxy "http://proxy:3142";',
    'Dir::State "var/lib/apt";',
    'APT::Update::Post-Invoke:: "rm -f /var/cache/apt/archives/*.deb || true";',
    'DPkg::Post-Invoke:: "touch /etc/changed";',
  ].join('\n');

  test('keeps the machine’s proxies and drops its hooks and folders', () => {
    const config = aptConfig(dump, '/cache/apt');
    expect(config).toContain('Acquire::http::Proxy "http://proxy:3142";');
    expect(config).toContain('Dir::State "/cache/apt/state";');
    expect(config).not.toMatch(/Invoke|var\/lib\/apt/);
  });
});

describe('copiedFrom', () => {
  test('lists what COPY takes, across flags, lines and case', () => {
    const dockerfile =
      'ARG BASE\nFROM $BASE\n# COPY no\nCOPY --chown=1:1 a/b.js \\\n  LICENSE /app/\ncopy c /c\nRUN echo COPY x y\n';
    expect(copiedFrom(dockerfile)).toEqual(['a/b.js', 'LICENSE', 'c']);
  });

  test.each([
    'COPY . /app',
    'COPY dist/*.js /app/',
    'COPY ["a", "/b"]',
    'COPY --from=build /a /b',
    'COPY ../a /b',
    'ADD a.tar /',
  ])('refuses what it can’t follow: %s', (line) => {
    expect(() => copiedFrom(line)).toThrow(line);
  });
});

test.each([
  ['kcp-mcp-operator:0.1.0', 'docker.io/library/kcp-mcp-operator:0.1.0'],
  ['kcp-dev/operator:1', 'docker.io/kcp-dev/operator:1'],
  ['localhost/pause:1', 'localhost/pause:1'],
  ['example.com/a/b:1', 'example.com/a/b:1'],
  ['example:5000/a:1', 'example:5000/a:1'],
])('%s is %s to a container runtime', (short, full) => {
  expect(fullName(short)).toBe(full);
});
