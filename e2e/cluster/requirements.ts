import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/**
 * What this machine lacks for {@link startCluster}, each with what to do about it; empty when a node can run here.
 * (`startControlPlane` needs none of this.)
 */
export function nodeRequirements(): string[] {
  const elsewhere = 'use a cluster of your own (kind, say) through KUBECONFIG instead';
  if (process.platform !== 'linux') return [`a node runs on Linux only: ${elsewhere}`];
  const missing: string[] = [];
  if (process.getuid?.() !== 0) missing.push(`a node needs root (namespaces, mounts): use sudo, or ${elsewhere}`);
  const release = osRelease();
  if (!/^ID(_LIKE)?=.*\b(debian|ubuntu)\b/m.test(release)) {
    missing.push(
      `containerd and its tools are taken from Debian or Ubuntu packages, and this is neither: ${elsewhere}`,
    );
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
  if (!works('go', 'version')) missing.push('Go is missing (1.21 or later): Kubernetes is built from source');
  if (missing.length === 0 && !works('unshare', '--net', '--mount', '--pid', '--fork', 'true')) {
    missing.push(`namespaces can't be made here (a container without privileges?): ${elsewhere}`);
  }
  return missing;
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
