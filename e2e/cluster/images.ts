import { copyFile, cp, mkdir, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { cacheKey, cachePath, newScratch, repoRoot, withLock } from '../lib/cache.ts';
import type { KeyPart } from '../lib/cache.ts';
import { run } from '../lib/process.ts';
import { silent } from '../lib/progress.ts';
import type { Progress } from '../lib/progress.ts';
import { openBuildah } from './buildah.ts';
import { ensurePackages, nodeImageBase, nodeTools } from './debian.ts';
import { pauseImage } from './node-config.ts';
import { ensureBinaries } from './toolchain.ts';

export interface Image {
  /** What a Pod calls it: `kcp-mcp-operator:0.1.0`. */
  name: string;
  /** The image as a docker-archive tar. */
  archive: string;
}

/** The images of the repository. */
export interface Images {
  operator: Image;
  runtime: Image;
}

export interface BuildOptions {
  progress?: Progress;
}

/**
 * Builds the repository's images from its own Dockerfiles, as a release does, but without a registry: the base image
 * is put together from Debian packages and the Node that the repository depends on. An image whose parts are all the
 * same as before isn't built again.
 *
 * @throws when a bundle or an image can't be built, with the tool's own words
 */
export async function buildImages({ progress = silent }: BuildOptions = {}): Promise<Images> {
  await progress.step('bundle operator and mcp-runtime', () =>
    Promise.all(
      ['operator', 'mcp-runtime'].map((folder) => run(process.execPath, [`${folder}/build.mjs`], { cwd: repoRoot })),
    ),
  );
  const base = await ensureNodeImage(progress);
  return {
    operator: await ensureRepoImage('kcp-mcp-operator', 'operator/Dockerfile', base, progress),
    runtime: await ensureRepoImage('kcp-mcp-runtime', 'mcp-runtime/Dockerfile', base, progress),
  };
}

/** Imports the images of {@link buildImages} into a cluster's node. */
export async function loadImages(
  cluster: { loadImages(archives: readonly string[]): Promise<void> },
  images: Images,
): Promise<void> {
  await cluster.loadImages([images.operator.archive, images.runtime.archive]);
}

/** The image that holds a Pod's namespaces open, as a docker-archive. */
export async function ensurePauseImage(progress: Progress): Promise<string> {
  const { pause } = await ensureBinaries(['pause'], progress);
  const dockerfile = 'FROM scratch\nCOPY pause /pause\nUSER 65535:65535\nENTRYPOINT ["/pause"]\n';
  const build: Build = {
    name: pauseImage,
    key: [dockerfile, { file: pause }],
    dockerfile,
    fill: (context) => copyFile(pause, join(context, 'pause')),
  };
  return (await ensureImage(build, progress)).archive;
}

const nodeDockerfile = `FROM scratch
COPY . /
ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
CMD ["node"]
`;

/** An image with Node and what it needs, in place of the usual `node:…-slim`. */
export async function ensureNodeImage(progress: Progress): Promise<Image> {
  const packages = await ensurePackages(nodeImageBase, progress);
  const node = join(repoRoot, 'node_modules/node');
  const build: Build = {
    name: 'localhost/kcp-mcp-node:1',
    key: [nodeDockerfile, packages, process.arch, { file: join(node, 'package.json') }, ...Object.values(baseFiles)],
    dockerfile: nodeDockerfile,
    async fill(context) {
      await cp(packages, context, { recursive: true, verbatimSymlinks: true });
      await rm(join(context, 'usr/share'), { recursive: true, force: true });
      for (const [file, content] of Object.entries(baseFiles)) await writeNew(join(context, file), content);
      await mkdir(join(context, 'usr/local/bin'), { recursive: true });
      await copyFile(join(node, 'bin/node'), join(context, 'usr/local/bin/node'));
    },
  };
  return ensureImage(build, progress);
}

const baseFiles = {
  'etc/passwd': 'root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/tmp:/sbin/nologin\n',
  'etc/group': 'root:x:0:\nnonroot:x:65532:\n',
  'etc/nsswitch.conf': 'hosts: files dns\n',
};

async function ensureRepoImage(name: string, dockerfile: string, base: Image, progress: Progress): Promise<Image> {
  const { version } = JSON.parse(await readFile(join(repoRoot, 'package.json'), 'utf8')) as { version: string };
  const text = await readFile(join(repoRoot, dockerfile), 'utf8');
  const sources = copiedFrom(text);
  const files = (await Promise.all(sources.map((source) => filesIn(join(repoRoot, source))))).flat();
  const build: Build = {
    name: `${name}:${version}`,
    key: [text, base.archive, ...files.map((file) => ({ file }))],
    dockerfile: text,
    base,
    // Only what the Dockerfile names: it counts for the key, and nothing else can get in.
    async fill(context) {
      for (const source of sources) {
        await mkdir(dirname(join(context, source)), { recursive: true });
        await cp(join(repoRoot, source), join(context, source), { recursive: true });
      }
    },
  };
  return ensureImage(build, progress);
}

/**
 * What a Dockerfile's COPY instructions take from the build context.
 *
 * @throws on forms that this doesn't know (patterns, JSON arrays, other build stages)
 */
export function copiedFrom(dockerfile: string): string[] {
  const instructions = dockerfile.replaceAll(/\\\n/g, ' ').split('\n');
  return instructions.flatMap((line) => {
    const [instruction = '', ...words] = line.trim().split(/\s+/);
    if (instruction.toUpperCase() === 'ADD') throw new Error(`use COPY instead of ADD: ${line}`);
    if (instruction.toUpperCase() !== 'COPY') return [];
    const paths = words.filter((word) => !/^--(chown|chmod|link)\b/.test(word)).slice(0, -1);
    if (paths.length === 0 || paths.some((path) => /[*?[\]{}$]|^--|^\.\.|^\.?\/?$/.test(path))) {
      throw new Error(`COPY must name files or folders one by one: ${line}`);
    }
    return paths;
  });
}

interface Build {
  /** Name and tag. */
  name: string;
  /** Everything that the image is made from. */
  key: readonly KeyPart[];
  dockerfile: string;
  /** The image that the Dockerfile's argument BASE_IMAGE stands for. */
  base?: Image;
  /** Puts the files that the Dockerfile copies into the build context. */
  fill(context: string): Promise<void>;
}

/** The image's archive, built when there is none of the same parts. */
async function ensureImage(build: Build, progress: Progress): Promise<Image> {
  const { name } = build;
  const label = name.replaceAll(/[^\w.-]+/g, '-');
  const archive = cachePath('images', `${label}-${await cacheKey(['2', name, ...build.key])}.tar`);
  if (await exists(archive)) return { name, archive };
  const tools = await ensurePackages(nodeTools, progress);
  await progress.step(`build image ${name}`, (step) =>
    withLock(
      'images',
      async () => {
        if (await exists(archive)) return;
        const scratch = await newScratch(cachePath('images'));
        try {
          const context = join(scratch, 'context');
          await mkdir(context);
          await build.fill(context);
          await writeFile(join(scratch, 'Dockerfile'), build.dockerfile);
          const buildah = await openBuildah(scratch, tools);
          if (build.base) await buildah.load(build.base.archive);
          await buildah.build({
            image: name,
            dockerfile: join(scratch, 'Dockerfile'),
            context,
            args: build.base ? { BASE_IMAGE: build.base.name } : {},
          });
          await buildah.save(name, join(scratch, 'image.tar'));
          await rename(join(scratch, 'image.tar'), archive);
          await removeOlder(label);
        } finally {
          await rm(scratch, { recursive: true, force: true });
        }
      },
      {
        purpose: `building ${name}`,
        onWait: (holder) => {
          step.update(`waiting for ${holder}`);
        },
      },
    ),
  );
  return { name, archive };
}

/** Removes all archives of an image but the three newest: each change of a program makes another large file. */
async function removeOlder(label: string): Promise<void> {
  const folder = cachePath('images');
  const files = (await readdir(folder)).filter((file) => file.startsWith(`${label}-`) && file.endsWith('.tar'));
  const dated = await Promise.all(
    files.map(async (file) => ({ path: join(folder, file), at: (await stat(join(folder, file))).mtimeMs })),
  );
  const older = dated.sort((a, b) => b.at - a.at).slice(3);
  await Promise.all(older.map(({ path }) => rm(path)));
}

/** A file itself, or all files below a folder in a stable order. */
async function filesIn(path: string): Promise<string[]> {
  if (!(await stat(path)).isDirectory()) return [path];
  const names = (await readdir(path)).sort();
  return (await Promise.all(names.map((name) => filesIn(join(path, name))))).flat();
}

async function writeNew(file: string, content: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, content);
}

async function exists(file: string): Promise<boolean> {
  return stat(file).then(() => true, () => false); // prettier-ignore
}
