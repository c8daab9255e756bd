import { join } from 'node:path';
import { freePorts } from '../lib/ports.ts';
import { startProcess } from '../lib/process.ts';

/** Starts the one etcd that all planes share: one revision counter, so resource versions compare across workspaces. */
export async function startEtcd(dir: string, binary: string): Promise<string> {
  const [clientPort = 0, peerPort = 0] = await freePorts(2);
  const client = `http://127.0.0.1:${clientPort}`;
  const peer = `http://127.0.0.1:${peerPort}`;
  await startProcess({
    dir,
    name: 'kcp-etcd',
    command: binary,
    args: [
      `--data-dir=${join(dir, 'kcp/etcd')}`,
      `--listen-client-urls=${client}`,
      `--advertise-client-urls=${client}`,
      `--listen-peer-urls=${peer}`,
      `--initial-advertise-peer-urls=${peer}`,
      `--initial-cluster=default=${peer}`,
      '--unsafe-no-fsync',
      '--log-level=warn',
    ],
    ready: async () => (await fetch(`${client}/readyz`, { signal: AbortSignal.timeout(2000) })).ok,
    stopSignal: 'SIGKILL',
  });
  return client;
}
