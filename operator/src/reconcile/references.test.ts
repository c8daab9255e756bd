import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { stringify } from 'yaml';
import type { KcpKubeconfig } from '../api/external.ts';
import { keyOf, type InformerPhase, type ObjectKey } from '../kube/index.ts';
import { grantCommand, READ_VERBS } from './grant.ts';
import type { DataObject } from './objects.ts';
import {
  checkClientSecret,
  NotYetKnownError,
  resolveIssuerCA,
  resolveKubeconfig,
  type ResolveContext,
} from './references.ts';
import { testServer } from './testing/objects.ts';
import { Looks, type Watched } from './watched-objects.ts';

const SECRET_KEY = 'kcp-vespucci/kubeconfig-of-mcp';

const pem = readFileSync(join(import.meta.dirname, '../resources/testdata/ca.pem'));

const kubeconfigText = stringify({
  clusters: [
    {
      name: 'default',
      cluster: { server: 'https://kcp.example.com', 'certificate-authority-data': pem.toString('base64') },
    },
  ],
  contexts: [{ name: 'default', context: { cluster: 'default' } }],
  'current-context': 'default',
});

const data = (values: Record<string, string>): Watched<DataObject> => ({
  state: 'present',
  object: { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'x' }, data: values },
});
const base64 = (text: string): string => Buffer.from(text).toString('base64');

const readyKubeconfig = (status: NonNullable<KcpKubeconfig['status']> = { phase: 'Ready' }): KcpKubeconfig => ({
  apiVersion: 'operator.kcp.io/v1alpha1',
  kind: 'Kubeconfig',
  metadata: { namespace: 'kcp-vespucci', name: 'kcp-mcp-kubeconfig' },
  spec: { secretRef: { name: 'kubeconfig-of-mcp' } },
  status,
});

interface World {
  phase?: InformerPhase;
  kubeconfig?: KcpKubeconfig;
  secrets?: Record<string, Watched<DataObject>>;
  configMaps?: Record<string, Watched<DataObject>>;
  minted?: ResolveContext['minted'];
}

function context({ phase = 'synced', kubeconfig, secrets = {}, configMaps = {}, minted = {} }: World): ResolveContext {
  const known = (objects: Record<string, Watched<DataObject>>) => ({
    look: (key: ObjectKey): Watched<DataObject> => objects[keyOf(key)] ?? { state: 'absent' },
  });
  return {
    sources: {
      kubeconfigs: { state: () => ({ phase, since: 0, message: 'why' }), store: { get: () => kubeconfig } },
      sources: { Secret: known(secrets), ConfigMap: known(configMaps) },
      identities: known(secrets),
      secretKeys: known(secrets),
    },
    looks: new Looks('kcp-mcp/vespucci'),
    grantee: '--serviceaccount=ns:sa',
    minted,
  };
}

describe('resolveKubeconfig', () => {
  test('reads the Secret that the Kubeconfig names', () => {
    const secrets = { [SECRET_KEY]: data({ kubeconfig: base64(kubeconfigText) }) };
    expect(resolveKubeconfig(testServer(), context({ kubeconfig: readyKubeconfig(), secrets }))).toMatchObject({
      source: { kind: 'Kubeconfig', namespace: 'kcp-vespucci', name: 'kcp-mcp-kubeconfig' },
      secret: { namespace: 'kcp-vespucci', name: 'kubeconfig-of-mcp' },
      copy: { server: 'https://kcp.example.com' },
    });
  });

  test('a Kubeconfig without a namespace is one beside the server', () => {
    const server = testServer({ spec: { kcp: { kubeconfigRef: { name: 'k' } } } });
    expect(resolveKubeconfig(server, context({}))).toMatchObject({
      source: { namespace: 'kcp-mcp' },
      problem: { message: expect.stringContaining('Kubeconfig kcp-mcp/k not found') },
    });
  });

  test('reads any key of a Secret beside the server', () => {
    const server = testServer({ spec: { kcp: { secretRef: { name: 'mine', key: 'config' } } } });
    const secrets = { 'kcp-mcp/mine': data({ config: base64(kubeconfigText) }) };
    expect(resolveKubeconfig(server, context({ phase: 'absent', secrets }))).toMatchObject({
      source: { kind: 'Secret', namespace: 'kcp-mcp', name: 'mine' },
      copy: { server: 'https://kcp.example.com' },
    });
  });

  test.each<[string, World, string, string]>([
    ['kcp-operator isn’t installed', { phase: 'absent' }, 'KindNotInstalled', 'install kcp-operator'],
    ['Kubeconfigs are forbidden', { phase: 'forbidden' }, 'Forbidden', "Kubeconfigs can't be read: why"],
    ['no Kubeconfig', {}, 'NotFound', 'Kubeconfig kcp-vespucci/kcp-mcp-kubeconfig not found'],
    [
      'it was not seen yet',
      { kubeconfig: { ...readyKubeconfig(), status: {} } },
      'SourceNotReady',
      'not been seen by kcp-operator yet',
    ],
    [
      'it failed, with kcp-operator’s own words',
      {
        kubeconfig: readyKubeconfig({
          phase: 'Failed',
          conditions: [{ type: 'RootShardFound', status: 'False', reason: 'Gone', message: 'no\u001b[1m shard' }],
        }),
      },
      'SourceNotReady',
      'phase Failed (Gone: no [1m shard)',
    ],
    [
      'it names no Secret',
      { kubeconfig: { ...readyKubeconfig(), spec: { secretRef: {} } } },
      'SourceNotReady',
      'names no Secret',
    ],
    [
      'it names something that would be a command to whoever grants it',
      { kubeconfig: { ...readyKubeconfig(), spec: { secretRef: { name: 'x; rm -rf ~' } } } },
      'SourceNotReady',
      "can't exist",
    ],
    ['no Secret', { kubeconfig: readyKubeconfig() }, 'NotFound', `Secret ${SECRET_KEY}, which kcp-operator writes`],
    [
      'no such key',
      { kubeconfig: readyKubeconfig(), secrets: { [SECRET_KEY]: data({ other: 'x' }) } },
      'KeyMissing',
      `Secret ${SECRET_KEY} has no key kubeconfig`,
    ],
    [
      'not a kubeconfig',
      { kubeconfig: readyKubeconfig(), secrets: { [SECRET_KEY]: data({ kubeconfig: base64('hello') }) } },
      'InvalidKubeconfig',
      'is not a YAML mapping',
    ],
  ])('%s', (_, world, reason, message) => {
    const { problem } = resolveKubeconfig(testServer(), context(world));
    expect(problem).toMatchObject({ kind: 'waiting', reason, message: expect.stringContaining(message) });
  });

  test('a Secret that may not be read: the command that grants it', () => {
    const secrets = { [SECRET_KEY]: { state: 'forbidden' as const, message: 'no' } };
    const { problem } = resolveKubeconfig(testServer(), context({ kubeconfig: readyKubeconfig(), secrets }));
    expect(problem).toMatchObject({
      reason: 'Forbidden',
      command: grantCommand({
        resource: 'secrets',
        key: { namespace: 'kcp-vespucci', name: 'kubeconfig-of-mcp' },
        verbs: READ_VERBS,
        grantee: '--serviceaccount=ns:sa',
      }),
    });
  });

  test.each<[string, World]>([
    ['Kubeconfigs aren’t listed yet', { phase: 'starting' }],
    ['there is no contact and nothing is known', { phase: 'retrying' }],
    [
      'the Secret hasn’t been answered',
      { kubeconfig: readyKubeconfig(), secrets: { [SECRET_KEY]: { state: 'pending' } } },
    ],
  ])('%s: nothing is said', (_, world) => {
    expect(() => resolveKubeconfig(testServer(), context(world))).toThrow(NotYetKnownError);
  });

  test('without contact what is known last counts', () => {
    const secrets = { [SECRET_KEY]: data({ kubeconfig: base64(kubeconfigText) }) };
    const world: World = { phase: 'retrying', kubeconfig: readyKubeconfig(), secrets };
    expect(resolveKubeconfig(testServer(), context(world)).copy).toBeDefined();
  });
});

describe('resolveIssuerCA', () => {
  const server = (caRef?: object) =>
    testServer({ spec: { auth: { oidc: { issuerURL: 'https://a.example.com', audience: 'a', caRef } } } });
  const secretRef = { kind: 'Secret', name: 'ca' };

  test.each<[string, object | undefined, World]>([
    ['none is named', undefined, {}],
    ['a ConfigMap', { name: 'ca' }, { configMaps: { 'kcp-mcp/ca': data({ 'ca.crt': pem.toString() }) } }],
    ['a Secret', secretRef, { secrets: { 'kcp-mcp/ca': data({ 'ca.crt': pem.toString('base64') }) } }],
  ])('%s: fine', (_, caRef, world) => {
    const certificates = caRef && new X509Certificate(pem).toString();
    expect(resolveIssuerCA(server(caRef), context(world))).toEqual({ pem: certificates });
  });

  test('a Secret that only the Pods may read is left to them, with the command that lets the operator, too', () => {
    const world: World = { secrets: { 'kcp-mcp/ca': { state: 'forbidden', message: '' } } };
    expect(resolveIssuerCA(server(secretRef), context(world))).toEqual({
      unreadable: expect.objectContaining({
        message: 'the operator may not read Secret kcp-mcp/ca, which spec.auth.oidc.caRef names',
        command: expect.stringContaining('--resource-name=ca'),
      }),
    });
  });

  test('nothing but certificates is taken of what it names', () => {
    const bundle = `-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n${pem.toString()}`;
    const world: World = { configMaps: { 'kcp-mcp/ca': data({ 'ca.crt': bundle }) } };
    expect(resolveIssuerCA(server({ name: 'ca' }), context(world))).toEqual({
      pem: expect.not.stringContaining('PRIVATE'),
    });
  });

  test.each<[string, World, string]>([
    ['missing', {}, 'NotFound'],
    ['without the key', { configMaps: { 'kcp-mcp/ca': data({}) } }, 'KeyMissing'],
    ['not a certificate', { configMaps: { 'kcp-mcp/ca': data({ 'ca.crt': 'hello' }) } }, 'InvalidCA'],
    [
      'a certificate that can’t be read',
      {
        configMaps: {
          'kcp-mcp/ca': data({ 'ca.crt': '-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----' }),
        },
      },
      'InvalidCA',
    ],
  ])('%s', (_, world, reason) => {
    const { problem } = resolveIssuerCA(server({ name: 'ca' }), context(world));
    expect(problem).toMatchObject({ kind: 'waiting', reason });
  });
});

describe('checkClientSecret', () => {
  const server = (upstream: object = {}) =>
    testServer({
      spec: { auth: { oidc: { issuerURL: 'https://a.example.com' }, upstream: { mode: 'Exchange', ...upstream } } },
    });
  const exchange = server({
    audience: 'kcp',
    clientID: 'mcp',
    clientSecretRef: { name: 'exchange', key: 'client-secret' },
  });

  test.each<[string, ReturnType<typeof server>, World]>([
    ['none is named', testServer(), {}],
    ['there with its key', exchange, { secrets: { 'kcp-mcp/exchange': data({ 'client-secret': 'set' }) } }],
    ['only the Pods may read it', exchange, { secrets: { 'kcp-mcp/exchange': { state: 'forbidden', message: '' } } }],
  ])('%s: fine', (_, input, world) => {
    expect(checkClientSecret(input, context(world))).toBeUndefined();
  });

  test.each<[string, World, string, string]>([
    [
      'missing',
      {},
      'NotFound',
      'Secret kcp-mcp/exchange not found: create it with the secret of client mcp in key client-secret, or correct spec.auth.upstream.clientSecretRef',
    ],
    [
      'without the key',
      { secrets: { 'kcp-mcp/exchange': data({ other: 'set' }) } },
      'KeyMissing',
      'Secret kcp-mcp/exchange has no key client-secret, which must hold the secret of client mcp',
    ],
    [
      'with an empty one',
      { secrets: { 'kcp-mcp/exchange': data({ 'client-secret': '' }) } },
      'KeyMissing',
      'has no key client-secret',
    ],
  ])('%s', (_, world, reason, message) => {
    expect(checkClientSecret(exchange, context(world))).toMatchObject({
      kind: 'waiting',
      reason,
      message: expect.stringContaining(message),
    });
  });

  test('not answered yet: nothing is said', () => {
    expect(() =>
      checkClientSecret(exchange, context({ secrets: { 'kcp-mcp/exchange': { state: 'pending' } } })),
    ).toThrow(NotYetKnownError);
  });
});
