import { copyFile, mkdir, mkdtemp, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheKey, cachePath, withLock } from '../lib/cache.ts';
import type { KeyPart } from '../lib/cache.ts';
import { run } from '../lib/process.ts';
import type { Progress } from '../lib/progress.ts';
import { ensurePackages, nodeTools, packageEnvironment } from './debian.ts';
import { pauseImage } from './node-config.ts';
import { ensureBinaries } from './toolchain.ts';

interface Build {
  /** Full name and tag: what the node knows the image as. */
  image: string;
  /** Everything the image is made from. */
  key: readonly KeyPart[];
  /** Fills a scratch folder and says how to build from it. */
  prepare(scratch: string): Promise<{ context: string; dockerfile: string; args?: Record<string, string> }>;
}

/** The image that holds a Pod's namespaces open, as a docker-archive. */
export async function ensurePauseImage(progress: Progress): Promise<string> {
  const { pause } = await ensureBinaries(['pause'], progress);
  const dockerfile = 'FROM scratch\nCOPY pause /pause\nUSER 65535:65535\nENTRYPOINT ["/pause"]\n';
  return ensureImage(
    {
      image: pauseImage,
      key: [dockerfile, { file: pause }],
      async prepare(scratch) {
        await copyFile(pause, join(scratch, 'pause'));
        await writeFile(join(scratch, 'Dockerfile'), dockerfile);
        return { context: scratch, dockerfile: join(scratch, 'Dockerfile') };
      },
    },
    progress,
  );
}

/** The path of an image's archive, which is built when there is none of the same parts. */
async function ensureImage(build: Build, progress: Progress): Promise<string> {
  const archive = cachePath('images', `${await cacheKey(['1', build.image, ...build.key])}.tar`);
  if (await exists(archive)) return archive;
  await progress.step(`build image ${build.image}`, (step) =>
    withLock(
      'images',
      async () => {
        if (await exists(archive)) return;
        await mkdir(cachePath('images'), { recursive: true });
        const scratch = await mkdtemp(cachePath('images', '.new-'));
        try {
          await buildah(scratch, build, await ensurePackages(nodeTools, progress));
          await rename(join(scratch, 'image.tar'), archive);
        } finally {
          await rm(scratch, { recursive: true, force: true });
        }
      },
      {
        purpose: `building ${build.image}`,
        onWait: (holder) => {
          step.update(`waiting for ${holder}`);
        },
      },
    ),
  );
  return archive;
}

async function buildah(scratch: string, build: Build, tools: string): Promise<void> {
  const context = join(scratch, 'context');
  await mkdir(context);
  const { context: folder, dockerfile, args = {} } = await build.prepare(context);
  await writeFile(join(scratch, 'policy.json'), JSON.stringify({ default: [{ type: 'insecureAcceptAnything' }] }));
  await writeFile(join(scratch, 'registries.conf'), 'unqualified-search-registries = []\n');
  await writeFile(join(scratch, 'storage.conf'), '[storage]\ndriver = "vfs"\n');
  await writeFile(join(scratch, 'containers.conf'), '');
  await writeFile(join(scratch, 'auth.json'), '{}');
  const env = {
    ...(await packageEnvironment(tools)),
    BUILDAH_ISOLATION: 'chroot',
    STORAGE_DRIVER: 'vfs',
    CONTAINERS_STORAGE_CONF: join(scratch, 'storage.conf'),
    CONTAINERS_REGISTRIES_CONF: join(scratch, 'registries.conf'),
    CONTAINERS_CONF: join(scratch, 'containers.conf'),
    REGISTRY_AUTH_FILE: join(scratch, 'auth.json'),
    HOME: scratch,
    TMPDIR: scratch,
    XDG_RUNTIME_DIR: scratch,
  };
  const storage = ['--root', join(scratch, 'storage'), '--runroot', join(scratch, 'storage-run')];
  const policy = ['--signature-policy', join(scratch, 'policy.json')];
  const buildArgs = Object.entries(args).flatMap(([name, value]) => ['--build-arg', `${name}=${value}`]);
  await run(
    'buildah',
    [
      ...storage,
      'build',
      ...policy,
      '--pull-never',
      '--quiet',
      ...buildArgs,
      '--file',
      dockerfile,
      '--tag',
      build.image,
      folder,
    ],
    { env },
  );
  await run('buildah', [...storage, 'push', ...policy, '--quiet', build.image, `docker-archive:${join(scratch, 'image.tar')}:${build.image}`], { env }); // prettier-ignore
}

async function exists(file: string): Promise<boolean> {
  return stat(file).then(() => true, () => false); // prettier-ignore
}
