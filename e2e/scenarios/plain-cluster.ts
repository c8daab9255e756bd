// What the scenarios on plain Kubernetes are about: the runtime as a process of its own, on the cluster that the operator runs in,
// alice's rights there, and some Pods.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'smol-toml';
import { parse, stringify as toYaml } from 'yaml';
import { repoRoot } from '../lib/cache.ts';
import { freePorts } from '../lib/ports.ts';
import { startProcess } from '../lib/process.ts';
import { waitFor } from '../lib/wait.ts';
import { host, state } from './support.ts';

/** Where the Pods are. */
export const namespace = 'plain';

export interface PlainRuntime {
  mcpURL: string;
  logFile: string;
  stop(): Promise<void>;
}

/** Starts the runtime on loopback, with the cluster's address and CA and no identity of its own. */
export async function startPlainRuntime(): Promise<PlainRuntime> {
  const dir = await mkdtemp(join(state.runDir, 'plain-'));
  const admin = parse(await readFile(state.kubeconfig, 'utf8')) as { clusters: object[] };
  // The server and its CA only: who calls is for each caller's token to say.
  const kubeconfig = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: admin.clusters,
    contexts: [{ name: 'plain', context: { cluster: 'default' } }],
    'current-context': 'plain',
  };
  await writeFile(join(dir, 'kubeconfig'), toYaml(kubeconfig));
  const [port = 0, healthPort = 0] = await freePorts(2);
  const url = `http://127.0.0.1:${port}`;
  const config = {
    bind_address: '127.0.0.1',
    port: String(port),
    server_url: url,
    kubeconfig: join(dir, 'kubeconfig'),
    cluster_provider_strategy: 'kubeconfig',
    require_oauth: true,
    oauth_audience: state.issuer.clientID,
    authorization_url: state.issuer.issuerURL,
    certificate_authority: state.caFile,
    toolset_configs: { kcp: { health_port: String(healthPort), request_timeout: '12s' } },
  };
  await writeFile(join(dir, 'config.toml'), stringify(config));
  const runtime = await startProcess({
    dir: state.runDir,
    name: 'plain-runtime',
    command: process.execPath,
    args: [join(repoRoot, 'mcp-runtime/src/main.ts'), '--config', join(dir, 'config.toml')],
    ready: async () => (await fetch(`http://127.0.0.1:${healthPort}/readyz`)).ok,
  });
  return {
    mcpURL: `${url}/mcp`,
    logFile: runtime.logFile,
    async stop() {
      await runtime.stop();
      await rm(dir, { recursive: true });
    },
  };
}

/** Gives alice her rights and starts the Pods; returns once they are as the scenarios want them. */
export async function preparePods(): Promise<void> {
  const { namespace: own, name } = state.server;
  const jsonpath = 'jsonpath={.spec.template.spec.containers[0].image}';
  const image = await host.run(['get', 'deployment', `${name}-mcp`, '-n', own, '-o', jsonpath]);
  await host.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }, ...rightsOfAlice());
  await waitFor(
    'the namespace to be ready for Pods',
    () => host.run(['get', 'serviceaccount', 'default', '-n', namespace]),
    { deadlineMs: 30_000 },
  );
  await host.apply(...pods(image));
  const phase = (pod: string, wanted: string) =>
    host.run(['wait', `--for=jsonpath={.status.phase}=${wanted}`, `pod/${pod}`, '-n', namespace, '--timeout=90s']);
  await Promise.all([phase('talker', 'Running'), phase('done', 'Failed'), phase('logger', 'Succeeded')]);
  await logged('talker', 'app', 'line 300');
  await logged('talker', 'sidecar', 'sidecar here');
  await logged('restarted', 'app', 'second run');
}

function logged(pod: string, container: string, line: string): Promise<unknown> {
  const logs = ['logs', pod, '-c', container, '-n', namespace, '--tail=1'];
  return waitFor(`${pod} to log`, async () => (await host.run(logs)).trim() === line, { deadlineMs: 90_000 });
}

export async function removePods(): Promise<void> {
  await host.run(['delete', 'namespace', namespace, '--wait=false']);
  await host.run(['delete', 'clusterrole,clusterrolebinding', 'plain-alice']);
}

function rightsOfAlice(): object[] {
  const group = 'rbac.authorization.k8s.io';
  const rules = [
    { apiGroups: [''], resources: ['namespaces', 'events', 'pods', 'nodes'], verbs: ['get', 'list'] },
    { apiGroups: [''], resources: ['nodes/proxy', 'pods/log'], verbs: ['get'] },
    { apiGroups: [''], resources: ['pods', 'services'], verbs: ['get', 'list', 'create', 'delete'] },
    { apiGroups: [''], resources: ['pods/exec'], verbs: ['get', 'create'] },
    { apiGroups: ['metrics.k8s.io'], resources: ['pods', 'nodes'], verbs: ['get', 'list'] },
  ];
  const metadata = { name: 'plain-alice' };
  return [
    { apiVersion: `${group}/v1`, kind: 'ClusterRole', metadata, rules },
    {
      apiVersion: `${group}/v1`,
      kind: 'ClusterRoleBinding',
      metadata,
      roleRef: { apiGroup: group, kind: 'ClusterRole', name: metadata.name },
      subjects: [{ apiGroup: group, kind: 'User', name: 'alice@example.com' }],
    },
  ];
}

/** Ends at once when it is asked to, which Node as a container's first process doesn't do on its own. */
export const IDLE = 'process.on("SIGTERM", () => process.exit(0)); setInterval(() => undefined, 2 ** 30);';

/** @param image one that the node has, with Node in it and no shell. */
function pods(image: string): object[] {
  const container = (name: string, program: string, more: object = {}) => ({
    ...{ name, image, imagePullPolicy: 'IfNotPresent', command: ['node', '-e', program] },
    ...more,
  });
  const pod = (name: string, spec: object) => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, labels: { app: name } },
    spec: { terminationGracePeriodSeconds: 5, ...spec },
  });
  const log = { name: 'log', hostPath: { path: '/var/log' } };
  const data = { name: 'data', emptyDir: {} };
  return [
    pod('talker', {
      initContainers: [container('setup', 'console.log("set up")')],
      containers: [
        container('app', `for (let line = 1; line <= 300; line++) console.log("line", line); ${IDLE}`),
        container('sidecar', `console.error("sidecar here"); ${IDLE}`),
      ],
    }),
    // Fails in its first run only.
    pod('restarted', {
      volumes: [data],
      containers: [
        container(
          'app',
          `const fs = require("fs"); if (fs.existsSync("/data/ran")) { console.log("second run"); ${IDLE} }` +
            'else { console.log("first run"); fs.writeFileSync("/data/ran", ""); process.exitCode = 1; }',
          { volumeMounts: [{ name: 'data', mountPath: '/data' }] },
        ),
      ],
    }),
    pod('done', {
      restartPolicy: 'Never',
      containers: [container('app', 'console.log("done"); process.exitCode = 3')],
    }),
    pod('stuck', { containers: [{ name: 'app', image: 'registry.invalid/nothing:1' }] }),
    // A service of the node that logs to a file.
    pod('logger', {
      restartPolicy: 'Never',
      volumes: [log],
      containers: [
        container(
          'app',
          'const fs = require("fs"); for (let line = 1; line <= 500; line++) fs.appendFileSync("/log/plain-service.log", `entry ${line}\\n`)',
          { securityContext: { runAsUser: 0 }, volumeMounts: [{ name: 'log', mountPath: '/log' }] },
        ),
      ],
    }),
  ];
}
