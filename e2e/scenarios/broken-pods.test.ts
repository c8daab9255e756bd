// Pods that can't run, on a real node: the KcpMcpServer alone says why, in kubelet's and the scheduler's words.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { condition, host, state, type Server } from './support.ts';

const { namespace } = state.server;
const NAME = 'broken';

interface Spec {
  deployment?: object;
  [field: string]: unknown;
}

const apply = (spec: Spec) =>
  host.apply({ apiVersion: 'mcp.kcp.io/v1alpha1', kind: 'KcpMcpServer', metadata: { name: NAME, namespace }, spec });

let spec: Spec;
beforeAll(async () => {
  const server = await host.get<Server & { spec: Spec }>('kcpmcpserver', state.server.name, '-n', namespace);
  spec = server.spec;
  await apply({ ...spec, deployment: { image: 'registry.invalid/nobody/knows:1' } });
  // The samples' Role is about one KcpMcpServer: the messages grant what this one needs.
  for (const type of ['KubeconfigReady', 'CertificateReady']) {
    const { message } = await condition(NAME, type, { status: 'False', reason: 'Forbidden' });
    await host.shell(/Grant it with: (.*)$/.exec(message)?.[1] ?? 'false');
  }
  await condition(NAME, 'CertificateReady', { status: 'True' });
});

afterAll(() => host.any(['delete', 'kcpmcpserver', NAME, '-n', namespace, '--ignore-not-found']));

/** Runs the command that a message ends with. */
async function runCommandOf(message: string): Promise<string> {
  const { code, stdout, stderr } = await host.shell(/; see: (kubectl .*)$/.exec(message)?.[1] ?? 'false');
  expect([code, stderr]).toEqual([0, '']);
  return stdout;
}

test('an image that can’t be pulled', async () => {
  const { message } = await condition(NAME, 'Ready', { status: 'False', reason: 'ImagePullFailed' });
  expect(message).toContain("can't pull image registry.invalid/nobody/knows:1: ");
  expect(message).not.toContain('Back-off');
  expect(message).toContain('spec.deployment.imagePullSecrets');
  expect(await runCommandOf(message)).toContain('registry.invalid/nobody/knows:1');
});

test('an image that isn’t the server', async () => {
  // The operator's own: it doesn't know the server's flags.
  const { items } = await host.get<{ items: { spec: { containers: { image: string }[] } }[] }>(
    ...['pods', '-n', 'kcp-mcp-operator-system', '-l', 'app.kubernetes.io/name=kcp-mcp-operator'],
  );
  const image = items[0]?.spec.containers[0]?.image;
  await apply({ ...spec, deployment: { image } });
  const { message } = await condition(NAME, 'Ready', { status: 'False', reason: 'CrashLoopBackOff' });
  expect(message).toContain('ended with exit code 2 (Error)');
  expect(await runCommandOf(message)).toContain("Unknown option '--config'");
});

test('a kcp whose name nobody knows', async () => {
  const { stdout } = await host.any([
    'get',
    'secret',
    `${NAME}-mcp-kubeconfig`,
    '-n',
    namespace,
    '-o',
    'jsonpath={.data.kubeconfig}',
  ]);
  const kubeconfig = Buffer.from(stdout, 'base64').toString().replace(state.kcp.url, 'https://kcp.invalid:6443');
  await host.apply({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'broken-kcp', namespace },
    stringData: { kubeconfig },
  });
  await apply({ ...spec, kcp: { secretRef: { name: 'broken-kcp' } } });
  const { message } = await condition(NAME, 'KubeconfigReady', { status: 'False', reason: 'Forbidden' });
  await host.shell(/Grant it with: (.*)$/.exec(message)?.[1] ?? 'false');
  const { message: unreachable } = await condition(NAME, 'KcpReachable', { status: 'False', reason: 'KcpUnreachable' });
  expect(unreachable).toContain("the name kcp.invalid can't be resolved");
  expect(unreachable).toContain('spec.deployment.hostAliases');
  await condition(NAME, 'Ready', { status: 'True' });
  await host.run(['delete', 'secret', 'broken-kcp', '-n', namespace]);
});

test('no node that may take it', async () => {
  await apply({ ...spec, deployment: { nodeSelector: { nowhere: 'here' } } });
  // The Pod of the test before goes on.
  const { message } = await condition(NAME, 'Ready', { status: 'Unknown', reason: 'Unschedulable' });
  expect(message).toContain('node affinity/selector');
  await runCommandOf(message);
});
