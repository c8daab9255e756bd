/**
 * Does a node of our own do what Kubernetes promises, and does it leave nothing behind?
 *
 * `node e2e/cluster/smoke.ts [INSTANCE]` starts a cluster, checks Pods, Services, logs and exec, then stops it in
 * several states and looks for traces. About a minute; needs what {@link nodeRequirements} lists.
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { repoRoot } from '../lib/cache.ts';
import { processesWithEnvironment } from '../lib/identity.ts';
import { RUN_DIR_VARIABLE, run, running } from '../lib/process.ts';
import { createProgress } from '../lib/progress.ts';
import { waitFor } from '../lib/wait.ts';
import { addressesOf } from './addresses.ts';
import { ensureNodeImage } from './images.ts';
import { cgroupName } from './namespaces.ts';
import { startCluster, stopCluster } from './node.ts';
import type { Cluster } from './node.ts';

const instance = Number(process.argv[2] ?? 99);
const addresses = addressesOf(instance);
const dir = join(repoRoot, `.testing/smoke-${instance}`);
const progress = createProgress();
const before = machine();

const image = await ensureNodeImage(progress);
const start = () => startCluster({ dir, instance, images: [image.archive], progress });

try {
  const cluster = await start();
  await checkPods(cluster);
  await progress.step('stop', () => stopCluster(dir));
  checkTraces('after a normal stop');

  const crashed = await start();
  await progress.step('deploy', () => deploy(crashed));
  for (const name of ['kubelet', 'etcd', 'containerd']) {
    const found = (await running(dir)).find((each) => each.name === name);
    assert(found, `${name} doesn't run`);
    await found.kill();
  }
  await stopCluster(dir);
  checkTraces('after kubelet, containerd and etcd were killed');

  const forgotten = await start();
  await deploy(forgotten);
  await rm(dir, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
  await stopCluster(dir);
  checkTraces('after the run folder was deleted');

  const half = assert.rejects(start());
  await waitFor('the start to be half way', () => existsSync(join(dir, 'run/containerd.pid')), { deadlineMs: 60_000 });
  await stopCluster(dir);
  await half;
  checkTraces('after a stop in the middle of the start');
} finally {
  await stopCluster(dir);
  await rm(dir, { recursive: true, force: true });
}
console.log('smoke: all well');

async function checkPods(cluster: Cluster): Promise<void> {
  const kubectl = (...args: string[]) =>
    run(cluster.kubectl, ['--kubeconfig', cluster.kubeconfig, '-n', 'smoke', ...args]);
  await progress.step('Deployment with a restricted securityContext becomes Ready', () => deploy(cluster));
  const ip = (await kubectl('get', 'service', 'web', '-o', 'jsonpath={.spec.clusterIP}')).trim();
  const inPod = (script: string) => kubectl('exec', 'deploy/web', '--', 'node', '-e', script);

  await progress.step('ClusterIP answers on the machine', async () => {
    const answer = await waitFor('the Service', () => text(`http://${ip}/`), { deadlineMs: 10_000 });
    assert.match(answer, /^web-/);
  });
  await progress.step('ClusterIP answers in a Pod, also of the API server', async () => {
    for (let i = 0; i < 6; i++) {
      // Both Pods get their turn, the caller itself among them.
      assert.match(await inPod(`fetch('http://${ip}/').then(r => r.text()).then(console.log)`), /^web-/);
    }
    const api = `https://${addresses.serviceAddress}/version`;
    const get = `require('https').get('${api}', {rejectUnauthorized: false}, (r) => { console.log(r.statusCode); process.exit(); })`;
    assert.equal((await inPod(get)).trim(), '200');
  });
  await progress.step('a Pod reaches the machine', async () => {
    const server = createServer((_, response) => response.end('machine'));
    await new Promise<void>((done) => server.listen(addresses.ports.base + 90, cluster.gateway, done));
    const url = `http://${cluster.gateway}:${addresses.ports.base + 90}/`;
    assert.equal((await inPod(`fetch('${url}').then(r => r.text()).then(console.log)`)).trim(), 'machine');
    server.closeAllConnections();
    server.close();
  });
  await progress.step('kubectl logs', async () => {
    assert.match(await kubectl('logs', 'deploy/web'), /listening/);
  });
  await progress.step('a privileged Pod is refused', async () => {
    await assert.rejects(
      kubectl('run', 'bad', `--image=${image.name}`, '--privileged', '--restart=Never'),
      /violates PodSecurity "restricted/,
    );
  });
  await progress.step('owned objects and Pods are collected', async () => {
    await kubectl('delete', 'deployment', 'web', '--wait=false');
    await waitFor('no Pods', async () => (await kubectl('get', 'pods', '-o', 'name')).trim() === '', {
      deadlineMs: 40_000,
    });
  });
  await progress.step('the API server comes back after a crash', async () => {
    await cluster.kill();
    await cluster.restart();
    await waitFor('kubectl get', () => kubectl('get', 'service', 'web', '-o', 'name'), { deadlineMs: 10_000 });
  });
}

async function deploy(cluster: Cluster): Promise<void> {
  const server = `require('http').createServer((q, s) => s.end(require('os').hostname())).listen(8080, () => console.log('listening'))`;
  const labels = { app: 'web' };
  const objects = [
    {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: 'smoke', labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } },
    },
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web', namespace: 'smoke' },
      spec: {
        replicas: 2,
        selector: { matchLabels: labels },
        template: {
          metadata: { labels },
          spec: {
            terminationGracePeriodSeconds: 1,
            securityContext: { runAsNonRoot: true, runAsUser: 65532, seccompProfile: { type: 'RuntimeDefault' } },
            containers: [
              {
                name: 'web',
                image: image.name,
                command: ['node', '-e', server],
                imagePullPolicy: 'IfNotPresent',
                readinessProbe: { httpGet: { port: 8080, path: '/' }, periodSeconds: 1 },
                resources: { requests: { cpu: '100m', memory: '128Mi' }, limits: { memory: '128Mi' } },
                securityContext: {
                  allowPrivilegeEscalation: false,
                  readOnlyRootFilesystem: true,
                  capabilities: { drop: ['ALL'] },
                },
              },
            ],
          },
        },
      },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'web', namespace: 'smoke' },
      spec: { selector: labels, ports: [{ port: 80, targetPort: 8080 }] },
    },
  ];
  const kubectl = (args: string[], input?: string) =>
    run(cluster.kubectl, ['--kubeconfig', cluster.kubeconfig, ...args], input === undefined ? {} : { input });
  await kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }));
  await kubectl(['rollout', 'status', '-n', 'smoke', 'deployment/web', '--timeout=60s']);
}

async function text(url: string): Promise<string> {
  return (await fetch(url, { signal: AbortSignal.timeout(2000) })).text();
}

/** What of the machine a cluster might change, leaving out what other instances and programs are known to. */
function machine(): Record<string, unknown> {
  const list = (folder: string) => (existsSync(folder) ? readdirSync(folder).sort() : []);
  const lines = (file: string) => readFileSync(file, 'utf8').trim().split('\n');
  const folders = ['/run', '/var/lib', '/var/log', '/etc', '/opt', '/usr/libexec'];
  const sysctls = ['vm/overcommit_memory', 'kernel/panic', 'kernel/panic_on_oops', 'net/ipv4/ip_forward'];
  const others = (text: string) => /kcpmcp/.test(text) && !text.startsWith(addresses.linkName);
  return {
    ...Object.fromEntries(folders.map((folder) => [folder, list(folder)])),
    ...Object.fromEntries(sysctls.map((name) => [name, lines(`/proc/sys/${name}`)])),
    '/tmp': list('/tmp').filter((name) => /containerd|runc|cni|kube|buildah|storage/.test(name)),
    interfaces: list('/sys/class/net').filter((name) => !others(name)),
    routes: lines('/proc/net/route').filter((line) => !others(line)),
    mounts: lines('/proc/self/mounts'),
  };
}

function checkTraces(when: string): void {
  const own = (value: string) => value.startsWith(dir);
  assert.deepEqual(processesWithEnvironment(RUN_DIR_VARIABLE, own), [], `processes ${when}`);
  const cgroups = readdirSync('/sys/fs/cgroup', { recursive: true, encoding: 'utf8' });
  const left = cgroups.filter((path) => path.includes(cgroupName(dir)));
  assert.deepEqual(left, [], `cgroups ${when}`);
  for (const [what, now] of Object.entries(machine())) assert.deepEqual(now, before[what], `${what} ${when}`);
  console.log(`no trace ${when}`);
}
