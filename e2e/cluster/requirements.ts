import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { goEnvironment } from './toolchain.ts';

/**
 * What this machine lacks for {@link startCluster}, each with what to do about it; empty when a node can run here.
 * (`startControlPlane` needs none of this.)
 */
export function nodeRequirements(): string[] {
  if (process.platform !== 'linux') return ['a node runs on Linux only'];
  const missing: string[] = [];
  if (process.getuid?.() !== 0) missing.push('a node needs root (namespaces, mounts): use sudo');
  const release = osRelease();
  if (!/^ID(_LIKE)?=.*\b(debian|ubuntu)\b/m.test(release)) {
    missing.push('containerd and its tools are taken from Debian or Ubuntu packages, and this is neither');
  }
  const programs: [string, string][] = [
    ['apt-get', 'apt'],
    ['dpkg-deb', 'dpkg'],
    ['openssl', 'openssl'],
    ['unshare', 'util-linux'],
    ['nsenter', 'util-linux'],
  ];
  for (const [program, source] of programs) {
    if (!works(program, '--version') && !works(program, 'version')) {
      missing.push(`the program ${program} is missing: install the package ${source}`);
    }
  }
  if (!hasGo()) missing.push('Go is missing (1.21 or later): Kubernetes is built from source');
  if (missing.length === 0 && !works('unshare', '--net', '--mount', '--pid', '--fork', 'true')) {
    missing.push("namespaces can't be made here (a container without privileges?)");
  }
  return missing;
}

/** Whether Go is there. Its own environment: even `go version` writes to the person's configuration folder. */
export function hasGo(): boolean {
  const env = { ...process.env, ...goEnvironment() };
  return spawnSync('go', ['version'], { stdio: 'ignore', timeout: 10_000, env }).status === 0;
}

function works(program: string, ...args: string[]): boolean {
  return spawnSync(program, args, { stdio: 'ignore', timeout: 10_000 }).status === 0;
}

function osRelease(): string {
  try {
    return readFileSync('/etc/os-release', 'utf8');
  } catch {
    return '';
  }
}
