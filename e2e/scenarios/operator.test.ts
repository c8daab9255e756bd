import { afterAll, describe, expect, test } from '@jest/globals';
import { waitFor } from '../lib/wait.ts';
import { condition, host, mcpAs, state } from './support.ts';

const { namespace, name } = state.server;
const SOURCE = { namespace: 'kcp-vespucci', name: 'kcp-mcp-kubeconfig' };

interface Secret {
  metadata: { name: string; uid: string };
  data: Record<string, string>;
}
interface Pod {
  metadata: { name: string; uid: string };
  spec: { automountServiceAccountToken?: boolean; volumes: { name: string; projected?: unknown }[] };
  status: { containerStatuses: { restartCount: number; lastState: object }[] };
}

const pods = async (): Promise<Pod[]> =>
  (await host.get<{ items: Pod[] }>('pods', '-n', namespace, '-l', `app.kubernetes.io/instance=${name}`)).items;

const sourceSecret = (): Promise<Secret> => host.get<Secret>('secret', SOURCE.name, '-n', SOURCE.namespace);

async function replaceSource(kubeconfig: string): Promise<void> {
  const patch = JSON.stringify({ data: { kubeconfig: Buffer.from(kubeconfig).toString('base64') } });
  await host.run(['patch', 'secret', SOURCE.name, '-n', SOURCE.namespace, '--type=merge', '-p', patch]);
}

describe('what a person sees', () => {
  test('kubectl wait and kubectl get', async () => {
    await host.run(['wait', '--for=condition=Ready', `kcpmcpserver/${name}`, '-n', namespace, '--timeout=60s']);
    const [header = '', row = ''] = (await host.run(['get', 'kcpmcp', '-n', namespace])).split('\n');
    expect(header.split(/\s+/).filter(Boolean)).toEqual(['NAME', 'READY', 'URL', 'REPLICAS', 'AGE']);
    expect(row).toContain('True');
    expect(row).toContain(new URL(state.mcpURL).origin);
    const wide = (await host.run(['get', 'kcpmcp', '-n', namespace, '-o', 'wide'])).split('\n')[0] ?? '';
    for (const column of ['ISSUER', 'KCP', 'CERT-EXPIRY', 'REASON']) expect(wide).toContain(column);
  });

  test('what the issuer and kcp said when the operator asked it', async () => {
    await condition(name, 'OIDCReady', { status: 'True', reason: 'IssuerVerified' });
    const { status } = await host.get<{ status: { oidc: object } }>('kcpmcpserver', name, '-n', namespace);
    expect(status.oidc).toMatchObject({ issuer: state.issuer.issuerURL, registersClients: true });
    await condition(name, 'KcpReachable', { status: 'True', reason: 'KcpAnswers' });
  });

  test('kubectl explain documents nested fields', async () => {
    const text = await host.run(['explain', 'kcpmcpserver.spec.auth.oidc']);
    expect(text).toContain('issuerURL');
    expect(text).not.toContain('<no description>');
  });
});

describe('least privilege', () => {
  const operator = 'system:serviceaccount:kcp-mcp-operator-system:kcp-mcp-operator';

  test.each(['get', 'list', 'watch', 'create', 'patch', 'update', 'delete'])(
    'the operator has no cluster-wide right to %s Secrets',
    async (verb) => {
      const { stdout } = await host.any(['auth', 'can-i', verb, 'secrets', '-A', `--as=${operator}`]);
      expect(stdout.trim()).toBe('no');
    },
  );

  test('it reads the one Secret that is named, and no other in that namespace', async () => {
    const canI = async (resource: string): Promise<string> =>
      (await host.any(['auth', 'can-i', 'get', resource, '-n', SOURCE.namespace, `--as=${operator}`])).stdout.trim();
    expect(await canI(`secret/${SOURCE.name}`)).toBe('yes');
    expect(await canI('secret/another')).toBe('no');
  });

  test('the copy holds no credential', async () => {
    const copy = await host.get<Secret>('secret', `${name}-mcp-kubeconfig`, '-n', namespace);
    expect(Object.keys(copy.data)).toEqual(['kubeconfig']);
    const text = Buffer.from(copy.data['kubeconfig'] ?? '', 'base64').toString();
    expect(text).toContain(state.kcp.url);
    expect(text).not.toMatch(/client-(certificate|key)|token|password|PRIVATE KEY/);
  });

  test('the Pod has no ServiceAccount token', async () => {
    for (const pod of await pods()) {
      expect(pod.spec.automountServiceAccountToken).toBe(false);
      expect(pod.spec.volumes.filter((volume) => volume.projected !== undefined)).toEqual([]);
    }
  });
});

test('the operator tells its health and metrics, and works under its Lease', async () => {
  const system = 'kcp-mcp-operator-system';
  const service = await host.get<{ spec: { clusterIP: string; ports: { port: number }[] } }>(
    ...['service', 'kcp-mcp-operator-metrics', '-n', system],
  );
  const origin = `http://${service.spec.clusterIP}:${service.spec.ports[0]?.port ?? 0}`;
  expect((await fetch(`${origin}/readyz`)).status).toBe(200);
  const metrics = await (await fetch(`${origin}/metrics`)).text();
  expect(metrics).toMatch(/^kcp_mcp_operator_\w+/m);
  const lease = await host.get<{ spec: { holderIdentity: string } }>('lease', 'kcp-mcp-operator', '-n', system);
  expect(lease.spec.holderIdentity).toMatch(/^kcp-mcp-operator-/);
});

describe('kept true', () => {
  test.each(['deployment', 'service', 'configmap', 'serviceaccount', 'secret', 'certificate'])(
    'a deleted %s comes back and the server is ready again',
    async (kind) => {
      const suffix = { configmap: '-config', secret: '-kubeconfig', certificate: '-tls' }[kind] ?? '';
      const object = `${name}-mcp${suffix}`;
      const before = await host.get<Secret>(kind, object, '-n', namespace);
      await host.run(['delete', kind, object, '-n', namespace, '--wait=true']);
      await waitFor(
        `${kind} ${object} to be back`,
        async () => (await host.get<Secret>(kind, object, '-n', namespace)).metadata.uid !== before.metadata.uid,
        { deadlineMs: 30_000 },
      );
      await condition(name, 'Ready', { status: 'True' });
    },
  );

  test('a hand-edited image is put back', async () => {
    const image = async (): Promise<string> =>
      host.run([
        'get',
        'deployment',
        `${name}-mcp`,
        '-n',
        namespace,
        '-o',
        'jsonpath={.spec.template.spec.containers[0].image}',
      ]);
    const wanted = await image();
    await host.run(['set', 'image', `deployment/${name}-mcp`, '-n', namespace, 'mcp-runtime=nobody/knows:1']);
    await waitFor('the image to be put back', async () => (await image()) === wanted, { deadlineMs: 30_000 });
    await condition(name, 'Ready', { status: 'True' });
  });
});

describe('a broken source', () => {
  let original: string | undefined;
  afterAll(async () => {
    if (original !== undefined) await replaceSource(original);
  });

  test.each([
    ['not YAML', () => '{{{', 'InvalidKubeconfig'],
    [
      'credentials by exec plugin',
      (good: string) =>
        good.replace(/^users:[\s\S]*/m, 'users: [{name: kcp-mcp, user: {exec: {command: /bin/steal}}}]\n'),
      'InvalidKubeconfig',
    ],
  ])('%s: says so, keeps serving, and recovers by itself', async (_what, spoil, reason) => {
    const good = Buffer.from((await sourceSecret()).data['kubeconfig'] ?? '', 'base64').toString();
    original ??= good;
    await replaceSource(spoil(good));
    const { message } = await condition(name, 'KubeconfigReady', { status: 'False', reason });
    expect(message).toContain(`${SOURCE.namespace}/${SOURCE.name}`);
    expect(message).not.toContain('/bin/steal');
    const alice = await mcpAs('alice');
    expect((await alice.callTool('kcp_workspaces_list', {})).isError).toBe(false);
    await alice.close();
    await replaceSource(good);
    await condition(name, 'Ready', { status: 'True' });
  });

  test('a missing Role: the command in the message grants what was missing', async () => {
    const { spec } = await host.get<{ spec: object }>('kcpmcpserver', name, '-n', namespace);
    await host.apply(
      {
        apiVersion: 'operator.kcp.io/v1alpha1',
        kind: 'Kubeconfig',
        metadata: { name: 'second', namespace: SOURCE.namespace },
        spec: {
          target: { frontProxyRef: { name: 'vespucci' } },
          username: 'mcp',
          validity: '8766h',
          secretRef: { name: 'second' },
        },
      },
      {
        apiVersion: 'mcp.kcp.io/v1alpha1',
        kind: 'KcpMcpServer',
        metadata: { name: 'second', namespace },
        spec: { ...spec, kcp: { kubeconfigRef: { name: 'second', namespace: SOURCE.namespace } } },
      },
    );
    await host.run([
      ...['patch', 'kubeconfigs.operator.kcp.io', 'second', '-n', SOURCE.namespace],
      ...['--subresource=status', '--type=merge', '-p', JSON.stringify({ status: { phase: 'Ready' } })],
    ]);
    const { message } = await condition('second', 'KubeconfigReady', { status: 'False', reason: 'Forbidden' });
    const command = /Grant it with: (.*)$/.exec(message)?.[1] ?? '';
    expect(command).toContain('--resource-name=second');
    expect(await host.shell(command)).toMatchObject({ code: 0 });
    // Allowed to look now, it finds that the Secret itself is missing.
    await condition('second', 'KubeconfigReady', { status: 'False', reason: 'NotFound' });
    await host.run(['delete', 'kcpmcpserver', 'second', '-n', namespace]);
    await host.run(['delete', 'kubeconfigs.operator.kcp.io', 'second', '-n', SOURCE.namespace]);
  });
});
