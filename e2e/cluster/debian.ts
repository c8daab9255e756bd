import { chmod, lstat, mkdir, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheKey, cachePath, newScratch, withLock } from '../lib/cache.ts';
import { run } from '../lib/process.ts';
import type { Progress } from '../lib/progress.ts';

/** Debian packages as files: downloaded and unpacked in the cache, never installed. */
export interface PackageSet {
  /** Names the folder; sets with other packages have other folders whatever they are called. */
  name: string;
  packages: readonly string[];
  /** Packages that are needed but not unpacked. */
  omit?: readonly string[];
}

/** The programs that a node runs on and images are built with. */
export const nodeTools: PackageSet = {
  name: 'node-tools',
  packages: ['containerd', 'runc', 'containernetworking-plugins', 'buildah', 'nftables', 'iproute2'],
  // The machine's own loader only goes with the machine's own libc.
  omit: ['libc6'],
};

/** What the node binary of npm needs around it to be an image. */
export const nodeImageBase: PackageSet = {
  name: 'image-base',
  packages: ['libc6', 'libstdc++6', 'libgcc-s1', 'libatomic1', 'netbase'],
};

/**
 * The folder in which the packages, and all that they depend on, are unpacked as if it were `/`.
 *
 * Packages come from the machine's own sources and are checked against its keyrings, but lists and archives are kept
 * in the cache: apt's state on the machine stays as it is, and no root is needed.
 *
 * @throws when apt can't find or download a package
 */
export async function ensurePackages(set: PackageSet, progress: Progress): Promise<string> {
  const key = await cacheKey(['2', await releaseName(), ...set.packages, '-', ...(set.omit ?? [])]);
  const folder = cachePath('debian', `${set.name}-${key}`);
  if (await isFolder(folder)) return folder;
  await progress.step(`download ${set.packages.join(', ')} (first time about 30 s)`, (step) =>
    withLock(
      'debian',
      async () => {
        if (await isFolder(folder)) return;
        const scratch = await newScratch(cachePath('debian'));
        try {
          step.update('package lists');
          const env = { APT_CONFIG: await privateApt(scratch), LC_ALL: 'C' };
          // One of the machine's sources may be out of order without hurting us: what's missing shows below.
          await run('apt-get', ['update', '-q'], { env }).catch(() => undefined);
          step.update('packages');
          await run('apt-get', ['install', '-qy', '--download-only', '--no-install-recommends', ...set.packages], {
            env,
          });
          step.update('unpacking');
          await unpack(join(scratch, 'cache/archives'), join(scratch, 'root'), set.omit ?? []);
          await rename(join(scratch, 'root'), folder);
        } finally {
          await rm(scratch, { recursive: true, force: true });
        }
      },
      {
        purpose: 'downloading packages',
        onWait: (holder) => {
          step.update(`waiting for ${holder}`);
        },
      },
    ),
  );
  return folder;
}

/** Environment in which programs unpacked at `root` find each other and their libraries. */
export async function packageEnvironment(root: string): Promise<{ PATH: string; LD_LIBRARY_PATH: string }> {
  const folders = ['usr/sbin', 'usr/bin', 'sbin', 'bin'].map((folder) => join(root, folder));
  const libraries: string[] = [];
  for (const lib of ['usr/lib', 'lib']) {
    const names = await readdir(join(root, lib)).catch(() => []);
    // The folder of the architecture: x86_64-linux-gnu and its like.
    libraries.push(...names.filter((name) => name.endsWith('-linux-gnu')).map((name) => join(root, lib, name)));
  }
  const path = process.env['PATH'] ?? '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
  return { PATH: [...folders, path].join(':'), LD_LIBRARY_PATH: libraries.join(':') };
}

/**
 * An apt configuration that keeps all state under `folder`: the machine's own settings (proxies, say), without its
 * hooks, which would act on the machine.
 */
async function privateApt(folder: string): Promise<string> {
  for (const each of ['state/lists/partial', 'cache/archives/partial']) {
    await mkdir(join(folder, each), { recursive: true });
  }
  // With nothing installed every dependency counts, so the result doesn't depend on the machine.
  await writeFile(join(folder, 'status'), '');
  const file = join(folder, 'apt.conf');
  await writeFile(file, aptConfig(await run('apt-config', ['dump']), folder));
  return file;
}

/** {@link privateApt}'s file out of what `apt-config dump` says. */
export function aptConfig(dump: string, folder: string): string {
  const kept = dump.split('\n').filter((line) => !/^(Dir|DPkg|APT::Update|APT::Sandbox)\b/i.test(line));
  return [
    ...kept,
    'Dir "/";',
    'Dir::Etc "etc/apt";',
    'Dir::Etc::Parts "/dev/null";',
    'Dir::Etc::Main "/dev/null";',
    `Dir::State "${folder}/state";`,
    `Dir::State::status "${folder}/status";`,
    `Dir::Cache "${folder}/cache";`,
    `Dir::Log "${folder}";`,
    // Its download user can't reach a folder in root's home.
    'APT::Sandbox::User "root";',
    '',
  ].join('\n');
}

async function unpack(archives: string, root: string, omit: readonly string[]): Promise<void> {
  await mkdir(root);
  const files = (await readdir(archives)).filter((file) => file.endsWith('.deb'));
  for (const file of files) {
    if (!omit.includes(file.slice(0, file.indexOf('_')))) await run('dpkg-deb', ['-x', join(archives, file), root]);
  }
  await dropSetuid(root);
}

/** Nobody gets updates for these copies, so none of them may raise anybody's rights. */
async function dropSetuid(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await dropSetuid(path);
    else if (entry.isFile()) {
      const { mode } = await lstat(path);
      if (mode & 0o6000) await chmod(path, mode & 0o1777);
    }
  }
}

/** Distribution, version and architecture: `debian 12 x64`. */
async function releaseName(): Promise<string> {
  const text = await readFile('/etc/os-release', 'utf8').catch(() => '');
  const field = (name: string) => new RegExp(`^${name}="?([^"\\n]*)"?$`, 'm').exec(text)?.[1] ?? 'unknown';
  return `${field('ID')} ${field('VERSION_ID')} ${process.arch}`;
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then((found) => found.isDirectory(), () => false); // prettier-ignore
}
