import { expect, test } from '@jest/globals';
import type { KcpMcpServerSpecInput } from '../api/kcp-mcp-server.ts';
import { buildAll } from './index.ts';
import { selectorLabels } from './names.ts';
import { fullSpec, minimalSpec, references, server } from './testdata/servers.ts';

const build = (spec: KcpMcpServerSpecInput) => buildAll(server(spec), references);
const podOf = (spec: KcpMcpServerSpecInput) => build(spec).deployment.spec?.template;

test('replicas are left to others when unset, and zero is a number', () => {
  expect(build(minimalSpec).deployment.spec).not.toHaveProperty('replicas');
  expect(build({ ...minimalSpec, deployment: { replicas: 0 } }).deployment.spec?.replicas).toBe(0);
});

test('Deployment and Service select by the labels of the Pods, whatever labels the user adds', () => {
  for (const spec of [minimalSpec, fullSpec]) {
    const { deployment, service } = build(spec);
    expect(deployment.spec?.selector.matchLabels).toEqual(selectorLabels('vespucci'));
    expect(service.spec?.selector).toEqual(selectorLabels('vespucci'));
    expect(podOf(spec)?.metadata?.labels).toMatchObject(selectorLabels('vespucci'));
  }
});

test('every path that config.toml names is inside a mount, and no volume is mounted by subPath', () => {
  for (const spec of [minimalSpec, fullSpec]) {
    const mounts = podOf(spec)?.spec?.containers[0]?.volumeMounts ?? [];
    const toml = build(spec).configMap.data?.['config.toml'] ?? '';
    const paths = [...toml.matchAll(/"(\/etc\/[^"]+)"/g)].map(([, path = '']) => path);
    expect(paths.length).toBeGreaterThan(2);
    for (const path of paths) expect(mounts.some(({ mountPath }) => path.startsWith(`${mountPath}/`))).toBe(true);
    for (const mount of mounts) expect(mount).toMatchObject({ readOnly: true });
    expect(JSON.stringify(mounts)).not.toContain('subPath');
  }
});

test('a rotated CA or another endpoint of kcp replaces no Pod: the runtime reloads the file', () => {
  const rotated = { ...references, kubeconfig: { server: 'https://new.example.com', caData: 'bmV3' } };
  const before = buildAll(server(minimalSpec), references);
  const after = buildAll(server(minimalSpec), rotated);
  expect(after.kubeconfigSecret).not.toEqual(before.kubeconfigSecret);
  expect(after.deployment).toEqual(before.deployment);
});

test('the CA of the issuer is mounted from the object that the user names, one key of it', () => {
  const volume = (kind: 'ConfigMap' | 'Secret') =>
    podOf({
      ...minimalSpec,
      auth: { oidc: { ...minimalSpec.auth.oidc, caRef: { kind, name: 'ca', key: 'root.pem' } } },
    })?.spec?.volumes?.find(({ name }) => name === 'oidc-ca');
  const items = [{ key: 'root.pem', path: 'ca.crt' }];
  expect(volume('ConfigMap')?.configMap).toMatchObject({ name: 'ca', items });
  expect(volume('Secret')?.secret).toMatchObject({ secretName: 'ca', items });
});

test('the secret of an exchange is mounted from the Secret that the user names, one key of it', () => {
  const upstream = {
    mode: 'Exchange',
    audience: 'kcp',
    clientID: 'a',
    clientSecretRef: { name: 'x', key: 'k' },
  } as const;
  const spec = { ...minimalSpec, auth: { oidc: { issuerURL: minimalSpec.auth.oidc.issuerURL }, upstream } };
  const volumes = podOf(spec)?.spec?.volumes ?? [];
  expect(volumes.find(({ name }) => name === 'exchange-client')?.secret).toEqual({
    secretName: 'x',
    items: [{ key: 'k', path: 'client-secret' }],
    defaultMode: 0o440,
  });
  expect(podOf(minimalSpec)?.spec?.volumes?.map(({ name }) => name)).not.toContain('exchange-client');
});

test('a certificate that somebody else keeps is mounted, and none is asked for', () => {
  const spec = { ...minimalSpec, tls: { secretName: 'theirs' } };
  expect(build(spec)).not.toHaveProperty('certificate');
  expect(podOf(spec)?.spec?.volumes?.find(({ name }) => name === 'tls')?.secret?.secretName).toBe('theirs');
});
