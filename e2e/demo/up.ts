// `make demo`, step by step: everything that a platform team would have, then the product installed and applied.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startKcp } from '../kcp/start.ts';
import { addressesOf } from '../cluster/addresses.ts';
import { allBinaries, ensureBinaries } from '../cluster/toolchain.ts';
import { repoRoot } from '../lib/cache.ts';
import { running, startProcess } from '../lib/process.ts';
import { isFree } from '../lib/ports.ts';
import { createProgress } from '../lib/progress.ts';
import { trustingFetch } from '../oidc/http.ts';
import { announceIssuer, startIssuer } from '../oidc/issuer.ts';
import { down } from './down.ts';
import { existingCluster, ownNode } from './host.ts';
import type { Host, HostOptions } from './host.ts';
import { SERVER, SOURCE, sourceSecret, writeInstall, writeSample } from './sample.ts';
import { writeState } from './state.ts';
import type { DemoState } from './state.ts';

export interface UpOptions {
  /** Run folder: everything that the demo writes. What an earlier one left there is removed first. */
  dir: string;
  /** Keeps ports and networks of demos that run at the same time apart: 0 for `make demo`. */
  instance: number;
  /** DEMO_CONTEXT. */
  context?: string;
}

const NEEDED = ['etcd', 'generic-controlplane', 'kubectl'] as const;

/**
 * Brings everything up and waits until the sample is Ready.
 *
 * @throws when a step fails; what ran is left for a look, `down` removes it
 */
export async function up({ dir, instance, context }: UpOptions): Promise<DemoState> {
  const progress = createProgress();
  await down(dir);
  const { base: port, ...nodePorts } = addressesOf(instance).ports;
  await requireFree([...(context === undefined ? Object.values(nodePorts) : []), port + 43]);
  await mkdir(dir, { recursive: true });
  const { version } = JSON.parse(await readFile(join(repoRoot, 'package.json'), 'utf8')) as { version: string };
  const binaries = await ensureBinaries(context === undefined ? allBinaries : NEEDED, progress);

  const options = { dir, instance, version, progress };
  const host = context === undefined ? await startNode(options, port + 40) : await existingCluster(context, options);
  const issuer = await progress.step('start the identity provider', () =>
    startIssuer({ dir, address: host.address, port: port + 40 }),
  );
  const { issuerURL, clientID } = issuer;
  const kcp = await progress.step(kcpStep(), () =>
    startKcp({
      dir,
      address: host.address,
      port: port + 41,
      oidc: { issuerURL, clientID, caFile: issuer.caFile },
    }),
  );

  const externalURL = `https://localhost:${port + 43}`;
  await progress.step('install the operator: kubectl apply -k config/default', async () => {
    const install = await writeInstall(dir, host.images);
    host.undoLater('delete', '-k', install, '--ignore-not-found', '--wait=true');
    await host.kubectl(['apply', '-k', install]);
    await host.kubectl([
      ...['rollout', 'status', 'deployment/kcp-mcp-operator', '-n', 'kcp-mcp-operator-system', '--timeout=120s'],
    ]);
  });
  const issuerCA = await applySample(dir, host, {
    kcp,
    externalURL,
    issuerURL,
    audience: clientID,
    issuerCA: await readFile(issuer.caFile, 'utf8'),
  });
  await progress.step(`wait for KcpMcpServer ${SERVER.namespace}/${SERVER.name} to be Ready`, () =>
    host.kubectl([
      ...['wait', '--for=condition=Ready', `kcpmcpserver/${SERVER.name}`],
      ...['-n', SERVER.namespace, '--timeout=180s'],
    ]),
  );

  const caFile = join(dir, 'ca.crt');
  const endpointCA = join(dir, 'endpoint-ca.crt');
  await writeFile(endpointCA, issuerCA);
  await writeFile(caFile, await joinCAs([endpointCA, issuer.caFile, kcp.caFile]));
  await startProcess({
    dir,
    name: 'forward',
    command: process.execPath,
    args: [
      ...[join(import.meta.dirname, 'forward.ts'), String(port + 43), host.forward],
      ...[binaries.kubectl, SERVER.namespace, `${SERVER.name}-mcp`, ...host.flags],
    ],
    ready: () => answers(`${externalURL}/healthz`, caFile),
  });

  const state: DemoState = {
    mcpURL: `${externalURL}/mcp`,
    caFile,
    kubeconfig: host.kubeconfig,
    ...(host.context === undefined ? {} : { context: host.context }),
    kcp: { url: kcp.url, kubeconfig: kcp.adminKubeconfig, requestLog: kcp.requestLog },
    issuer: { issuerURL, clientID, stateDir: issuer.stateDir },
    users: issuer.users.map(({ name, password }) => ({ name, password })),
    bin: binaries,
    runDir: dir,
    pids: Object.fromEntries((await running(dir)).map(({ name, pid }) => [name, pid])),
    server: SERVER,
  };
  await writeState(dir, state);
  return state;
}

/** A node of our own, whose API server will trust the issuer at this port. */
async function startNode(options: HostOptions, issuerPort: number): Promise<Host> {
  const address = addressesOf(options.instance).gateway;
  return ownNode({ ...options, oidc: await announceIssuer({ dir: options.dir, address, port: issuerPort }) });
}

/** @throws when a port on loopback is taken: better now than after minutes of building */
async function requireFree(ports: readonly number[]): Promise<void> {
  const free = await Promise.all(ports.map((port) => isFree(port)));
  const port = ports.find((_, index) => !free[index]);
  if (port === undefined) return;
  throw new Error(
    `127.0.0.1:${port} is taken: by the demo of another checkout (\`make demo-down\` there)` +
      ` or another program (\`ss -ltnp 'sport = :${port}'\` names it)`,
  );
}

async function answers(url: string, caFile: string): Promise<boolean> {
  const client = await trustingFetch(caFile);
  try {
    return (await client.fetch(url)).ok;
  } finally {
    await client.close();
  }
}

function kcpStep(): string {
  const { KCP_BIN, KCP_KUBECONFIG } = process.env;
  if (KCP_KUBECONFIG) return 'use the kcp of KCP_KUBECONFIG';
  return KCP_BIN ? 'start kcp' : 'start the kcp stand-in (a real control plane for each workspace)';
}

interface SampleInput {
  kcp: { url: string; adminKubeconfig: string };
  externalURL: string;
  issuerURL: string;
  audience: string;
  issuerCA: string;
}

/** Applies what kcp-operator would have made, and the samples with this demo's values. Returns the endpoint's CA. */
async function applySample(dir: string, host: Host, input: SampleInput): Promise<string> {
  const namespaces = [SOURCE.namespace, SERVER.namespace].map((name) => ({
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name },
  }));
  host.undoLater('delete', 'namespace', SOURCE.namespace, SERVER.namespace, '--ignore-not-found', '--wait=true');
  await host.kubectl(['apply', '-f', '-'], { apiVersion: 'v1', kind: 'List', items: namespaces });
  const crd = 'kubeconfigs.operator.kcp.io';
  if ((await host.kubectl(['get', 'crd', crd, '-o', 'name', '--ignore-not-found'])).trim() === '') {
    host.undoLater('delete', 'crd', crd, '--ignore-not-found');
    await host.kubectl([
      'apply',
      '-f',
      join(repoRoot, 'operator', 'testdata', 'crds', 'operator.kcp.io_kubeconfigs.yaml'),
    ]);
    await host.kubectl(['wait', '--for=condition=Established', `crd/${crd}`, '--timeout=30s']);
  }
  const issuerCA = await host.readIssuerCA();
  await host.kubectl(['apply', '-f', '-'], await sourceSecret(input.kcp.adminKubeconfig, input.kcp.url));
  const sample = await writeSample(dir, { ...input, issuerRef: host.issuerRef });
  await host.kubectl(['apply', '-k', sample]);
  // kcp-operator would say so once it has written the Secret.
  await host.kubectl([
    ...['patch', crd, SOURCE.name, '-n', SOURCE.namespace, '--subresource=status', '--type=merge'],
    ...['-p', JSON.stringify({ status: { phase: 'Ready' } })],
  ]);
  return issuerCA;
}

/** All CA certificates of the demo in one PEM text. */
async function joinCAs(files: readonly string[]): Promise<string> {
  const texts = await Promise.all(files.map((file) => readFile(file, 'utf8')));
  return [...new Set(texts.map((text) => text.trim()))].join('\n').concat('\n');
}
