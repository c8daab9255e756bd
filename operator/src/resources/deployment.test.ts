import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import type { KcpMcpServerSpecInput } from '../api/kcp-mcp-server.ts';
import { buildAll } from './index.ts';
import { selectorLabels } from './names.ts';
import { fullSpec, minimalSpec, references, server } from './testdata/servers.ts';

const build = (spec: KcpMcpServerSpecInput) => buildAll(server(spec), references);
const podOf = (spec: KcpMcpServerSpecInput) => build(spec).deployment.spec?.template;

test('replicas are left to others when nothing is said, and zero is a number', () => {
  expect(build(minimalSpec).deployment.spec).not.toHaveProperty('replicas');
  expect(buildAll(server(minimalSpec), { ...references, replicas: 0 }).deployment.spec?.replicas).toBe(0);
});

test('labels and annotations of the user are on the Deployment and its Pods, and overwrite none of ours', () => {
  const ours = build(minimalSpec).deployment;
  const spec = {
    ...minimalSpec,
    deployment: {
      labels: {
        ...{ team: 'platform', 'mcp.kcp.io/server': 'other', 'app.kubernetes.io/name': 'other' },
        'mcp.kcp.io/credentials': 'used',
      },
      annotations: { contact: 'platform', 'mcp.kcp.io/config-hash': 'other' },
    },
  };
  const theirs = build(spec).deployment;
  for (const [before, after] of [
    [ours.metadata, theirs.metadata],
    [ours.spec?.template.metadata, theirs.spec?.template.metadata],
  ]) {
    expect(after?.labels).toEqual({ ...before?.labels, team: 'platform' });
    expect(after?.annotations).toMatchObject({ ...before?.annotations, contact: 'platform' });
  }
  expect(theirs.spec?.selector).toEqual(ours.spec?.selector);
});

test('Pods spread over nodes and zones, each rollout by itself, and are not kept from starting by that', () => {
  const constraints = podOf(minimalSpec)?.spec?.topologySpreadConstraints ?? [];
  expect(constraints.map(({ topologyKey }) => topologyKey)).toEqual([
    'kubernetes.io/hostname',
    'topology.kubernetes.io/zone',
  ]);
  for (const constraint of constraints) {
    expect(constraint).toMatchObject({
      whenUnsatisfiable: 'ScheduleAnyway',
      labelSelector: { matchLabels: selectorLabels('vespucci') },
      matchLabelKeys: ['pod-template-hash'],
    });
  }
});

test('a Pod has the time to end that the server takes to drain', () => {
  const main = readFileSync(join(import.meta.dirname, '../../../mcp-runtime/src/main.ts'), 'utf8');
  const seconds = (name: string) =>
    Number(new RegExp(`const ${name}_MS = ([0-9_]+);`).exec(main)?.[1]?.replaceAll('_', '')) / 1000;
  const { terminationGracePeriodSeconds = 0, containers = [] } = podOf(minimalSpec)?.spec ?? {};
  const preStop = containers[0]?.lifecycle?.preStop?.sleep?.seconds ?? 0;
  const spare = terminationGracePeriodSeconds - preStop - seconds('LINGER') - seconds('PATIENCE');
  expect(spare).toBeGreaterThanOrEqual(5);
});

test('a disruption budget lets one Pod go at a time, where there are several', () => {
  expect(build(minimalSpec)).not.toHaveProperty('podDisruptionBudget');
  const { podDisruptionBudget } = buildAll(server(minimalSpec), { ...references, replicas: 2 });
  expect(podDisruptionBudget?.spec).toMatchObject({
    maxUnavailable: 1,
    selector: { matchLabels: selectorLabels('vespucci') },
  });
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
