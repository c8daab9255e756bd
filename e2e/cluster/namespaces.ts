import { createHash } from 'node:crypto';
import { mkdir, readFile, readdir, rm, rmdir } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { run, startProcess } from '../lib/process.ts';
import type { ProcessOptions, StartedProcess } from '../lib/process.ts';
import { waitFor } from '../lib/wait.ts';
import type { Addresses } from './addresses.ts';
import { bridgeName } from './node-config.ts';

/** A node's namespaces, and ways into them. */
export interface Namespaces {
  /** Starts a program inside, as {@link startProcess} does. */
  start(options: Omit<ProcessOptions, 'dir'>): Promise<StartedProcess>;
  /** Runs a program inside to its end. */
  run(command: string, args: readonly string[]): Promise<string>;
}

export interface NamespaceOptions {
  dir: string;
  addresses: Addresses;
  /** A program that waits and reaps orphans: the node's first process. */
  init: string;
  /** Environment in which `ip` and the programs of the node are found. */
  env: NodeJS.ProcessEnv;
}

const script = join(import.meta.dirname, 'namespaces.sh');

/** The command line that runs a program where the machine's own container storage can't be seen or changed. */
export function asideCommand(stateDir: string, command: string, args: readonly string[]): [string, string[]] {
  return ['sh', [script, 'aside', stateDir, command, ...args]];
}

/** The folder below a run folder that holds a node's files. */
export function nodeStateDir(dir: string): string {
  return join(resolve(dir), 'node');
}

/** Cgroups of the node in this run folder have this name, and no others do. */
export function cgroupName(dir: string): string {
  return `kcp-mcp-${createHash('sha256').update(resolve(dir)).digest('hex').slice(0, 12)}`;
}

/**
 * Makes a node's namespaces and the link between them and the machine.
 *
 * The machine gets one interface with the gateway's address and a route to ClusterIPs; bridge, router and all else are
 * inside. The machine's own firewall and forwarding have no part in traffic between Pods.
 *
 * @throws when another run folder uses the same instance number
 */
export async function createNamespaces({ dir, addresses, init, env }: NamespaceOptions): Promise<Namespaces> {
  const owner = await linkOwner(addresses.linkName);
  if (owner !== undefined) {
    throw new Error(
      `instance ${addresses.instance} is in use by ${owner || 'somebody else'} (interface ${addresses.linkName})`,
    );
  }
  const state = nodeStateDir(dir);
  const podLogs = join(resolve(dir), 'log/pods');
  await Promise.all([join(state, 'ready'), podLogs].map((path) => rm(path, { recursive: true, force: true })));
  await mkdir(state, { recursive: true });
  const outer = await startProcess({
    dir,
    name: 'node',
    command: 'sh',
    args: [script, 'start', state, cgroupName(dir), podLogs, init],
    env,
    ready: () => existsSync(join(state, 'ready')),
    stopSignal: 'SIGKILL',
  });
  const pid = await firstChild(outer.pid);

  const ip = (lines: readonly string[], prefix: readonly string[] = []) => ipBatch(lines, prefix, env);
  const { linkName, gateway, nodeAddress, serviceCIDR } = addresses;
  const inside = 'uplink';
  await ip([`link add ${linkName} type veth peer name ${inside} netns ${pid}`]);
  await Promise.all([
    ip([
      `link set ${linkName} alias ${resolve(dir)}`,
      `address add ${gateway}/24 dev ${linkName}`,
      `link set ${linkName} up`,
      `route add ${serviceCIDR} via ${nodeAddress} dev ${linkName}`,
    ]),
    ip(
      [
        'link set lo up',
        `link add ${bridgeName} type bridge`,
        `link set ${inside} master ${bridgeName} up`,
        `address add ${nodeAddress}/24 dev ${bridgeName}`,
        `link set ${bridgeName} up`,
        `route add default via ${gateway}`,
      ],
      ['nsenter', '--target', String(pid), '--net'],
    ),
  ]);

  const entering = (command: string, args: readonly string[] = []) => [script, 'enter', String(pid), command, ...args];
  return {
    start: (options) =>
      startProcess({
        ...options,
        dir,
        command: 'sh',
        args: entering(options.command, options.args),
        env: { ...env, TMPDIR: join(state, 'tmp'), ...options.env },
      }),
    run: (command, args) => run('sh', entering(command, args), { env }),
  };
}

/**
 * Removes what of a node outlives its processes: empty cgroups, files, and the link if the kernel is still about to.
 * Its processes must be gone.
 */
export async function removeNamespaces(dir: string): Promise<void> {
  await waitFor('the node’s interface to be gone', async () => !(await ownsLink(resolve(dir))), { deadlineMs: 10_000 });
  await removeCgroups('/sys/fs/cgroup', cgroupName(dir));
  await rm(nodeStateDir(dir), { recursive: true, force: true });
}

async function ipBatch(lines: readonly string[], prefix: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  const [command = '', ...args] = [...prefix, 'sh', '-c', 'printf "%s\\n" "$@" | ip -batch -', 'ip', ...lines];
  await run(command, args, { env });
}

async function firstChild(pid: number): Promise<number> {
  const child = Number((await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).trim().split(' ')[0]);
  if (!child) throw new Error("the node's first process has ended");
  return child;
}

/** The run folder that an interface belongs to; empty when it isn't said, undefined when there is no such interface. */
async function linkOwner(name: string): Promise<string | undefined> {
  return readFile(`/sys/class/net/${name}/ifalias`, 'utf8').then((alias) => alias.trim(), () => undefined); // prettier-ignore
}

async function ownsLink(dir: string): Promise<boolean> {
  const links = await readdir('/sys/class/net').catch(() => []);
  const owners = await Promise.all(links.filter((link) => link.startsWith('kcpmcp')).map(linkOwner));
  return owners.includes(dir);
}

/** Removes every cgroup of that name, children first. The kernel lets only empty ones go. */
async function removeCgroups(folder: string, name: string, within = false): Promise<void> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  for (const entry of entries) {
    if (!entry.isDirectory()) continue;
    const path = join(folder, entry.name);
    const ours = within || entry.name === name;
    await removeCgroups(path, name, ours);
    if (ours) await waitFor(`cgroup ${path} to be empty`, () => removed(path), { deadlineMs: 5000, intervalMs: 20 });
  }
}

async function removed(path: string): Promise<boolean> {
  return rmdir(path).then(
    () => true,
    (error: unknown) => (error as NodeJS.ErrnoException).code === 'ENOENT',
  );
}
