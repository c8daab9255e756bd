import { expect, test } from '@jest/globals';
import { readFileSync, readdirSync } from 'node:fs';
import { connect } from 'node:tls';
import { waitFor } from '../lib/wait.ts';
import { host, mcpAs, state } from './support.ts';

const { namespace, name } = state.server;
const MiB = 1024 * 1024;

/** Process ids of the runtime's containers, as this machine sees them. */
function runtimeProcesses(): number[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number)
    .filter((pid) => {
      try {
        const args = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
        return args.includes('/etc/kcp-mcp/config/config.toml') && inPod(pid);
      } catch {
        return false;
      }
    });
}

/** Only Pods of this demo's cluster: another instance may run beside it. */
const inPod = (pid: number): boolean =>
  readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`HOSTNAME=${name}-mcp-`) &&
  readFileSync(`/proc/${pid}/mountinfo`, 'utf8').includes(state.runDir);

function cgroupFile(pid: number, file: string): number {
  const memory = readFileSync(`/proc/${pid}/cgroup`, 'utf8')
    .split('\n')
    .find((line) => line.includes(':memory:') || line.startsWith('0::'));
  const path = memory?.split(':')[2] ?? '/';
  const root = memory?.includes(':memory:') ? '/sys/fs/cgroup/memory' : '/sys/fs/cgroup';
  return Number(readFileSync(`${root}${path}/${file}`, 'utf8'));
}

test('memory stays inside the limit under load', async () => {
  const client = await mcpAs('alice');
  const calls = 3000;
  let started = 0;
  const worker = async (): Promise<void> => {
    while (started++ < calls) {
      const result = await client.callTool('resources_list', {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        workspace: 'root:acme:team-a',
      });
      expect(result.isError).toBe(false);
    }
  };
  await Promise.all(Array.from({ length: 16 }, worker));
  await client.close();

  const processes = runtimeProcesses();
  expect(processes.length).toBeGreaterThan(0);
  for (const pid of processes) {
    const v1 = readFileSync(`/proc/${pid}/cgroup`, 'utf8').includes(':memory:');
    const limit = cgroupFile(pid, v1 ? 'memory.limit_in_bytes' : 'memory.max');
    const peak = cgroupFile(pid, v1 ? 'memory.max_usage_in_bytes' : 'memory.peak');
    console.log(
      `runtime Pod: peak ${Math.round(peak / MiB)} MiB of ${Math.round(limit / MiB)} MiB after ${calls} calls`,
    );
    expect(limit).toBe(128 * MiB);
    expect(peak).toBeLessThanOrEqual(limit);
  }
  const { items } = await host.get<{
    items: { status: { containerStatuses: { restartCount: number }[] } }[];
  }>('pods', '-n', namespace, '-l', `app.kubernetes.io/instance=${name}`);
  for (const pod of items) expect(pod.status.containerStatuses.map((each) => each.restartCount)).toEqual([0]);
}, 180_000);

/** Serial number of the certificate that the endpoint serves to a new connection. */
function servedSerial(): Promise<string> {
  const { hostname, port } = new URL(state.mcpURL);
  return new Promise((resolve, reject) => {
    const socket = connect({
      host: '127.0.0.1',
      port: Number(port),
      servername: hostname,
      ca: readFileSync(state.caFile),
    });
    socket.once('secureConnect', () => {
      resolve(socket.getPeerCertificate().serialNumber);
      socket.end();
    });
    socket.once('error', reject);
  });
}

test('a renewed certificate is served with no restart', async () => {
  const uids = async (): Promise<string> =>
    host.run([
      'get',
      'pods',
      '-n',
      namespace,
      '-l',
      `app.kubernetes.io/instance=${name}`,
      '-o',
      'jsonpath={.items[*].metadata.uid}',
    ]);
  const before = { serial: await servedSerial(), pods: await uids() };
  await host.run(['delete', 'secret', `${name}-mcp-tls`, '-n', namespace]);
  await waitFor('the new certificate to be served', async () => (await servedSerial()) !== before.serial, {
    deadlineMs: 150_000,
    intervalMs: 500,
  });
  expect(await uids()).toBe(before.pods);
}, 180_000);
