import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdir, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import { cacheKey, cachePath, newScratch, repoRoot, withLock } from '../lib/cache.ts';
import type { KeyPart } from '../lib/cache.ts';
import { run } from '../lib/process.ts';
import { silent } from '../lib/progress.ts';
import type { Progress, Step } from '../lib/progress.ts';

interface GoModule {
  /** Files beside go.mod and go.sum that the programs are made from. */
  sources: readonly string[];
  ldflags: string;
  /** How many packages all its programs are made of, roughly. */
  packages: number;
  /** Roughly how long the first build takes on two cores, for people who wait. */
  expectation: string;
}

// The module's own version isn't stamped by `go build` into a dependency: without these, kubelet refuses to register
// and `kubectl version` says v0.0.0-master.
const kubernetesVersion = [
  '-X k8s.io/component-base/version.gitVersion=v1.35.4',
  '-X k8s.io/component-base/version.gitMajor=1',
  '-X k8s.io/component-base/version.gitMinor=35',
].join(' ');

const modules = {
  etcd: { sources: ['main.go'], ldflags: '-s -w', packages: 570, expectation: 'about 1 min' },
  kubernetes: { sources: [], ldflags: `-s -w ${kubernetesVersion}`, packages: 2700, expectation: 'up to 12 min' },
  'cert-manager': { sources: ['main.go'], ldflags: '-s -w', packages: 1190, expectation: 'about 3 min' },
  packaging: { sources: ['verdict/main.go'], ldflags: '-s -w', packages: 1020, expectation: 'about 2 min' },
  pause: { sources: ['main.go'], ldflags: '-s -w', packages: 60, expectation: 'a few seconds' },
} as const satisfies Record<string, GoModule>;

type ModuleName = keyof typeof modules;

const binaries = {
  etcd: { module: 'etcd', package: '.' },
  'kube-apiserver': { module: 'kubernetes', package: 'k8s.io/kubernetes/cmd/kube-apiserver' },
  'kube-controller-manager': { module: 'kubernetes', package: 'k8s.io/kubernetes/cmd/kube-controller-manager' },
  'kube-scheduler': { module: 'kubernetes', package: 'k8s.io/kubernetes/cmd/kube-scheduler' },
  kubelet: { module: 'kubernetes', package: 'k8s.io/kubernetes/cmd/kubelet' },
  'kube-proxy': { module: 'kubernetes', package: 'k8s.io/kubernetes/cmd/kube-proxy' },
  kubectl: { module: 'kubernetes', package: 'k8s.io/kubernetes/cmd/kubectl' },
  'generic-controlplane': {
    module: 'kubernetes',
    package: 'k8s.io/kubernetes/pkg/controlplane/apiserver/samples/generic',
  },
  'cert-manager-controller': { module: 'cert-manager', package: '.' },
  helm: { module: 'packaging', package: 'helm.sh/helm/v4/cmd/helm' },
  'gitops-verdict': { module: 'packaging', package: './verdict' },
  pause: { module: 'pause', package: '.' },
} as const satisfies Record<string, { module: ModuleName; package: string }>;

/** The programs that are built from Go modules at pinned versions (e2e/cluster/go). */
export type BinaryName = keyof typeof binaries;

/** Everything that can be built. */
export const allBinaries = Object.keys(binaries) as BinaryName[];

/**
 * Paths of compiled programs, built when they aren't there yet.
 *
 * An artefact belongs to a hash of its module files, Go version and build settings: a change to any of them gives
 * another path, and the same inputs are never built twice. Builds go to a scratch folder and are renamed into place,
 * so a path that exists is a finished program. Invocations at the same time wait for each other.
 *
 * @example
 * const { etcd, kubectl } = await ensureBinaries(['etcd', 'kubectl'], createProgress());
 *
 * @throws when Go is missing or a build fails, with the end of the compiler's output
 */
export async function ensureBinaries<N extends BinaryName>(
  names: readonly N[],
  progress: Progress = silent,
): Promise<Record<N, string>> {
  const paths = {} as Record<N, string>;
  const byModule = new Map<ModuleName, N[]>();
  for (const name of names) {
    const { module } = binaries[name];
    byModule.set(module, [...(byModule.get(module) ?? []), name]);
  }
  const goVersion = await installedGo();
  for (const [module, wanted] of byModule) {
    const folder = cachePath('bin', `${module}-${await cacheKey(await keyParts(module, goVersion))}`);
    for (const name of wanted) paths[name] = join(folder, name);
    if ((await missing(folder, wanted)).length === 0) continue;
    await progress.step(`build ${wanted.join(', ')} (first time ${modules[module].expectation})`, (step) =>
      withLock(
        'go-build',
        async () => {
          // Whoever held the lock before may have built the same.
          const absent = await missing(folder, wanted);
          if (absent.length) await build(module, absent, folder, step);
        },
        {
          purpose: `building ${wanted.join(', ')}`,
          onWait: (holder) => {
            step.update(`waiting for ${holder}`);
          },
        },
      ),
    );
  }
  return paths;
}

/** The folder that holds a dependency's files, downloaded when it isn't there yet. `crds` is there for such files only. */
export async function moduleFolder(module: ModuleName | 'crds', dependency: string): Promise<string> {
  const cwd = join(goFolder, module);
  const env = goEnvironment();
  const json = await run('go', ['mod', 'download', '-json', dependency], { cwd, env });
  return (JSON.parse(json) as { Dir: string }).Dir;
}

const goFolder = join(repoRoot, 'e2e/cluster/go');

/** Environment of every `go` invocation: caches inside the project's own, results that don't depend on the machine. */
export function goEnvironment(): Record<string, string> {
  return {
    GOCACHE: cachePath('go-build'),
    GOMODCACHE: cachePath('go-mod'),
    GOFLAGS: '-mod=readonly -modcacherw -buildvcs=false -trimpath',
    GOWORK: 'off',
    // Go counts its own use in files of the person's configuration folder: those go to the cache instead, while the
    // person's own Go settings (a proxy, say) stay in force.
    XDG_CONFIG_HOME: cachePath('go-config'),
    GOENV: process.env['GOENV'] ?? join(process.env['XDG_CONFIG_HOME'] ?? join(homedir(), '.config'), 'go/env'),
    CGO_ENABLED: '0',
  };
}

async function keyParts(module: ModuleName, goVersion: string): Promise<KeyPart[]> {
  const files = ['go.mod', 'go.sum', ...modules[module].sources].map((file) => join(goFolder, module, file));
  const existing = await Promise.all(files.map(async (file) => ((await exists(file)) ? [{ file }] : [])));
  const { GOFLAGS = '', CGO_ENABLED = '' } = goEnvironment();
  return [goVersion, modules[module].ldflags, GOFLAGS, CGO_ENABLED, ...existing.flat()];
}

async function installedGo(): Promise<string> {
  try {
    // Version, system and architecture, as the newest module wants them (Go fetches a newer toolchain by itself).
    const cwd = join(goFolder, 'cert-manager');
    const said = await run('go', ['env', 'GOVERSION', 'GOOS', 'GOARCH'], { cwd, env: goEnvironment() });
    return said.trim().split('\n').join(' ');
  } catch (error) {
    const reason = error instanceof Error ? error.message : 'unknown';
    throw new Error(
      `Go is needed to build the test cluster (1.21 or later, it fetches the version it needs): ${reason}`,
      {
        cause: error,
      },
    );
  }
}

async function build(module: ModuleName, names: readonly BinaryName[], folder: string, step: Step): Promise<void> {
  await mkdir(folder, { recursive: true });
  const scratch = await newScratch(cachePath('bin'));
  const cwd = join(goFolder, module);
  const packages = names.map((name) => binaries[name].package);
  try {
    // One package: its file may have any name. Several: Go names them after their last path element.
    const single = names.length === 1 ? names[0] : undefined;
    const output = single ? join(scratch, single) : `${scratch}/`;
    const compiled = (count: number) => `${count} of at most ${modules[module].packages} packages compiled`;
    const args = ['-ldflags', modules[module].ldflags, '-o', output, ...packages];
    await goBuild(cwd, args, scratch, (downloaded, count) => {
      step.update(`${downloaded ? `${downloaded} modules downloaded, ` : ''}${compiled(count)}`);
    });
    for (const name of names) {
      await rename(join(scratch, single ?? basename(binaries[name].package)), join(folder, name));
    }
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** `go build -v`, counting what it says it downloads and compiles. A build cut short leaves its files in `tmp`. */
async function goBuild(
  cwd: string,
  args: readonly string[],
  tmp: string,
  onProgress: (downloaded: number, compiled: number) => void,
): Promise<void> {
  const child = spawn('go', ['build', '-v', ...args], {
    cwd,
    env: { ...process.env, ...goEnvironment(), GOTMPDIR: tmp },
    stdio: ['ignore', 'inherit', 'pipe'],
  });
  const closed = once(child, 'close') as Promise<[number | null]>;
  let [downloaded, compiled] = [0, 0];
  const said: string[] = [];
  for await (const line of createInterface({ input: child.stderr })) {
    if (line.startsWith('go: downloading ')) downloaded++;
    else if (/^[\w.~/-]+$/.test(line)) compiled++;
    else said.push(line);
    onProgress(downloaded, compiled);
  }
  const [code] = await closed;
  if (code !== 0) throw new Error(`go build failed in ${cwd}:\n${said.slice(-20).join('\n')}`);
}

async function missing<N extends BinaryName>(folder: string, names: readonly N[]): Promise<N[]> {
  const present = await Promise.all(names.map((name) => exists(join(folder, name))));
  return names.filter((_, i) => !present[i]);
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(() => true, () => false); // prettier-ignore
}
