import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../lib/process.ts';
import { packageEnvironment } from './debian.ts';
import { asideCommand } from './namespaces.ts';

/** buildah with its storage and all its settings in one folder. */
export interface Buildah {
  /** Takes in an image of a docker-archive, under the name in it. */
  load(archive: string): Promise<void>;
  build(options: { image: string; dockerfile: string; context: string; args: Record<string, string> }): Promise<void>;
  /** Writes an image as a docker-archive. */
  save(image: string, archive: string): Promise<void>;
}

/**
 * Opens buildah, unpacked at `tools`, with everything it reads and writes in `folder`: nothing of the machine's own
 * /etc/containers or /var/lib/containers counts or changes.
 */
export async function openBuildah(folder: string, tools: string): Promise<Buildah> {
  const files = {
    'policy.json': JSON.stringify({ default: [{ type: 'insecureAcceptAnything' }] }),
    'registries.conf': 'unqualified-search-registries = []\n',
    'storage.conf': '[storage]\ndriver = "vfs"\n',
    'containers.conf': `[network]\nnetwork_config_dir = "${folder}/cni"\n`,
    'auth.json': '{}',
  };
  for (const [file, content] of Object.entries(files)) await writeFile(join(folder, file), content);
  const env = {
    ...(await packageEnvironment(tools)),
    // Neither an OCI runtime nor overlay mounts: this works inside containers too.
    BUILDAH_ISOLATION: 'chroot',
    STORAGE_DRIVER: 'vfs',
    CONTAINERS_STORAGE_CONF: join(folder, 'storage.conf'),
    CONTAINERS_REGISTRIES_CONF: join(folder, 'registries.conf'),
    CONTAINERS_CONF: join(folder, 'containers.conf'),
    REGISTRY_AUTH_FILE: join(folder, 'auth.json'),
    HOME: folder,
    TMPDIR: folder,
    XDG_RUNTIME_DIR: folder,
  };
  const storage = ['--root', join(folder, 'storage'), '--runroot', join(folder, 'storage-run')];
  const policy = ['--signature-policy', join(folder, 'policy.json'), '--quiet'];
  const buildah = (command: string, ...args: string[]) =>
    run(...asideCommand(folder, 'buildah', [...storage, command, ...policy, ...args]), { env });

  return {
    async load(archive) {
      await buildah('pull', `docker-archive:${archive}`);
    },
    async build({ image, dockerfile, context, args }) {
      const buildArgs = Object.entries(args).flatMap(([name, value]) => ['--build-arg', `${name}=${value}`]);
      await buildah('build', '--pull-never', ...buildArgs, '--file', dockerfile, '--tag', fullName(image), context);
    },
    async save(image, archive) {
      await buildah('push', fullName(image), `docker-archive:${archive}:${fullName(image)}`);
    },
  };
}

/**
 * An image's name as container runtimes complete it: without a host it is in the default registry, without a path an
 * official one.
 */
export function fullName(image: string): string {
  const [first = '', ...rest] = image.split('/');
  if (rest.length === 0) return `docker.io/library/${image}`;
  return first === 'localhost' || /[.:]/.test(first) ? image : `docker.io/${image}`;
}
