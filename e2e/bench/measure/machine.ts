import { execFileSync } from 'node:child_process';
import { cpus, release, totalmem, type } from 'node:os';
import { repoRoot } from '../../lib/cache.ts';
import { peerVersion } from '../servers/peer.ts';

/** Where figures come from. */
export interface Machine {
  cpu: string;
  cores: number;
  memoryGiB: number;
  kernel: string;
  node: string;
  /** Version of kubernetes-mcp-server. */
  peer: string;
}

export function thisMachine(): Machine {
  const [first] = cpus();
  return {
    cpu: first?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 1024 ** 3),
    kernel: `${type()} ${release()}`,
    node: process.version,
    peer: peerVersion(),
  };
}

/** The commit that is measured, with a `+` where files differ from it; `unknown` outside of a checkout. */
export function thisCommit(): string {
  try {
    const git = (...args: string[]): string => execFileSync('git', args, { cwd: repoRoot, encoding: 'utf8' }).trim();
    return (
      git('rev-parse', '--short=12', 'HEAD') + (git('status', '--porcelain', '--untracked-files=no') === '' ? '' : '+')
    );
  } catch {
    return 'unknown';
  }
}
