import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { glob, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { cachePath, newScratch, withLock } from '../lib/cache.ts';
import { run } from '../lib/process.ts';
import type { Progress, Step } from '../lib/progress.ts';

const VERSION = '26.7.3';
const ARTIFACT = `org.keycloak:keycloak-quarkus-dist:${VERSION}:zip`;
/** Of the zip: whatever the repository sends, this is what runs. */
const SHA256 = '27a6535553c3cdcd083872ba40629efafb3475e3b758e0c6f691395561dd0f1f';
const SIZE_MIB = 169;
const PLUGIN = 'org.apache.maven.plugins:maven-dependency-plugin:3.6.1';

/** What Keycloak is built with: fixed when it is unpacked, so that it starts without building itself anew. */
const BUILD_OPTIONS = ['--db=dev-mem', '--health-enabled=false', '--metrics-enabled=false'];

/** Little memory, a fast start rather than a fast run, and nothing outside `temporary`, a folder that exists. */
export const javaOptions = (temporary: string): string =>
  [
    ...['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xms64m', '-Xmx384m', '-XX:MaxMetaspaceSize=256m'],
    ...['-XX:-UsePerfData', `-Djava.io.tmpdir=${temporary}`, '-Dfile.encoding=UTF-8'],
  ].join(' ');

/**
 * The folder of a Keycloak in the cache, fetched by Maven from wherever the person's Maven fetches things, checked, unpacked and
 * built. Nothing ever runs in it: see {@link ./server.ts}.
 *
 * @throws when Maven can't fetch it, or sends something else
 */
export async function ensureKeycloak(progress: Progress): Promise<string> {
  const folder = cachePath('keycloak', `${VERSION}-1`);
  if (await exists(folder)) return folder;
  await progress.step(`fetch and build Keycloak ${VERSION} (first time: ${SIZE_MIB} MiB, then about 30 s)`, (step) =>
    withLock(
      'keycloak',
      async () => {
        if (await exists(folder)) return;
        const scratch = await newScratch(cachePath('keycloak'));
        try {
          await fetchAndBuild(scratch, step);
          await rename(join(scratch, `keycloak-${VERSION}`), folder);
        } finally {
          await rm(scratch, { recursive: true, force: true });
        }
      },
      {
        purpose: `fetching Keycloak ${VERSION}`,
        onWait: (holder) => {
          step.update(`waiting for ${holder}`);
        },
      },
    ),
  );
  return folder;
}

async function fetchAndBuild(scratch: string, step: Step): Promise<void> {
  // Not the person's own: everything that we keep is in the cache folder.
  const repository = join(scratch, 'repository');
  const maven = async (goal: string, ...args: string[]): Promise<void> => {
    const common = ['-B', '-q', '-C', `-Dmaven.repo.local=${repository}`, `-Dartifact=${ARTIFACT}`];
    const own = process.env['MAVEN_OPTS'] ?? '';
    const env = { MAVEN_OPTS: `${own} -XX:-UsePerfData -Djava.io.tmpdir=${scratch}` };
    await run('mvn', [...common, ...args, `${PLUGIN}:${goal}`], { cwd: scratch, env });
  };
  await watching(repository, step, () => maven('get', '-Dtransitive=false'));
  step.update('checking it');
  const zip = await only(join(repository, `org/keycloak/keycloak-quarkus-dist/${VERSION}/*.zip`));
  const found = await sha256(zip);
  if (found !== SHA256) throw new Error(`${ARTIFACT} is not what it was: SHA-256 ${found}, expected ${SHA256}`);
  step.update('unpacking it');
  await maven('unpack', `-DoutputDirectory=${scratch}`);
  step.update('building it');
  const home = join(scratch, `keycloak-${VERSION}`);
  const env = { JAVA_OPTS: javaOptions(scratch) };
  await run('sh', [join(home, 'bin/kc.sh'), 'build', ...BUILD_OPTIONS], { env });
}

/** Says now and then how much of the zip is there: `112 of 169 MiB`. */
async function watching(repository: string, step: Step, work: () => Promise<void>): Promise<void> {
  const look = async (): Promise<void> => {
    for await (const file of glob(join(repository, `org/keycloak/keycloak-quarkus-dist/${VERSION}/*.zip*`))) {
      const bytes = await stat(file).then(
        ({ size }) => size,
        () => 0,
      );
      if (bytes > 1024 * 1024) step.update(`${Math.round(bytes / 1024 / 1024)} of ${SIZE_MIB} MiB`);
    }
  };
  const timer = setInterval(() => void look(), 500);
  try {
    await work();
  } finally {
    clearInterval(timer);
  }
}

async function only(pattern: string): Promise<string> {
  for await (const file of glob(pattern)) return file;
  throw new Error(`Maven fetched no ${pattern}`);
}

async function sha256(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
