import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { repoRoot } from '../../lib/cache.ts';
import { freePorts } from '../../lib/ports.ts';
import { startProcess } from '../../lib/process.ts';
import type { StartedProcess } from '../../lib/process.ts';
import { waitFor } from '../../lib/wait.ts';
import { imageStart } from '../servers/image.ts';
import { nowMs } from './audit-log.ts';
import type { MemoryOf } from './results.ts';

export const bundle = join(repoRoot, 'operator/dist/main.js');

/** The operator as its image runs it, in a process of its own. */
export interface OperatorProcess {
  pid: number;
  /** Milliseconds from the spawn to the line of its log that says that the workers run. */
  workingAfterMs: number;
  memory(): MemoryOf;
  /** TCP connections to the API server that are open now. */
  connections(): number;
  /** A sum over all labels of one of its metrics. */
  metric(name: string): Promise<number>;
  /** With SIGTERM, as a rollout does. */
  stop(): Promise<void>;
}

export async function startOperator(options: {
  dir: string;
  kubeconfig: string;
  /** Port of the API server. */
  apiPort: number;
  /** A CA that it trusts beside the well-known ones. */
  caFile: string;
  /** Beside those of the image. */
  nodeFlags: readonly string[];
}): Promise<OperatorProcess> {
  const { dir, kubeconfig, apiPort, caFile, nodeFlags } = options;
  const image = imageStart(join(repoRoot, 'operator/Dockerfile'));
  const [port = 0] = await freePorts(1);
  const logFile = join(dir, 'log/operator.log');
  const before = (await stat(logFile).catch(() => ({ size: 0 }))).size;
  const log = (): string => readFileSync(logFile, 'utf8').slice(before);
  const spawnedMs = nowMs();
  const started: StartedProcess = await startProcess({
    dir,
    name: 'operator',
    command: process.execPath,
    env: { ...image.env, NODE_EXTRA_CA_CERTS: caFile },
    args: [
      ...image.nodeFlags,
      ...nodeFlags,
      bundle,
      `--kubeconfig=${kubeconfig}`,
      `--metrics-bind-address=127.0.0.1:${port}`,
      '--runtime-image=kcp-mcp-runtime:bench',
      '--allow-local-addresses=true',
    ],
    ready: () => log().includes('"working"'),
  });
  const line = await waitFor(
    'the workers',
    () =>
      log()
        .split('\n')
        .find((text) => text.includes('"working"')),
    {
      deadlineMs: 1_000,
    },
  );
  const { timestamp } = JSON.parse(line) as { timestamp: string };
  const { pid } = started;
  return {
    pid,
    workingAfterMs: Math.round(Date.parse(timestamp) - spawnedMs),
    memory: () => memoryOf(pid),
    connections: () => connectionsTo(apiPort, pid),
    async metric(name) {
      const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
      const lines = [...text.matchAll(new RegExp(`^${name}(?:\\{.*\\})? (\\S+)$`, 'gm'))];
      return lines.reduce((sum, [, value]) => sum + Number(value), 0);
    },
    stop: () => started.stop(),
  };
}

/** proc(5), `status`: what is resident now, and the most that was. */
function memoryOf(pid: number): MemoryOf {
  const text = readFileSync(`/proc/${pid}/status`, 'utf8');
  const field = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? 0);
  return { rssKiB: field('VmRSS'), peakKiB: field('VmHWM') };
}

/** Established connections to that port whose socket this process holds (proc(5), `net/tcp`). */
function connectionsTo(port: number, pid: number): number {
  const own = ownSockets(pid);
  const lines = readFileSync(`/proc/${pid}/net/tcp`, 'utf8').split('\n').slice(1);
  const remote = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return lines.filter((line) => {
    const fields = line.trim().split(/\s+/);
    return fields[2]?.endsWith(remote) && fields[3] === '01' && own.has(fields[9] ?? '');
  }).length;
}

/** Inodes of the sockets that a process has open. */
function ownSockets(pid: number): Set<string> {
  const inodes = new Set<string>();
  for (const fd of readdirSync(`/proc/${pid}/fd`)) {
    try {
      const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1];
      if (inode !== undefined) inodes.add(inode);
    } catch {
      // closed meanwhile
    }
  }
  return inodes;
}
