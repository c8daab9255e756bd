// DEMO_CONTEXT: a cluster of the person's own in place of the local node.
import { readFileSync, writeFileSync } from 'node:fs';
import { homedir, networkInterfaces } from 'node:os';
import { delimiter, join } from 'node:path';
import { parse } from 'yaml';
import { repoRoot } from '../lib/cache.ts';
import { run } from '../lib/process.ts';
import type { Progress } from '../lib/progress.ts';
import { imagesOf } from './requirements.ts';
import type { Images } from './requirements.ts';

/** What has to be undone in somebody's cluster, written down before it is done. */
export interface UsedContext {
  context: string;
  kubectl: string;
  flags: string[];
  /** kubectl arguments, in the order in which things were made. */
  undo: string[][];
}

/** The person's kubeconfig files, as kubectl finds them. */
export function kubeconfigFiles(): string[] {
  const named = (process.env['KUBECONFIG'] ?? '').split(delimiter).filter((file) => file !== '');
  return named.length > 0 ? named : [join(homedir(), '.kube', 'config')];
}

/** Names of the contexts in them; files that can't be read have none. */
export function contextNames(): string[] {
  return kubeconfigFiles().flatMap((file) => {
    try {
      const content = parse(readFileSync(file, 'utf8')) as { contexts?: { name: string }[] } | null;
      return (content?.contexts ?? []).map(({ name }) => name);
    } catch {
      return [];
    }
  });
}

export function contextFile(dir: string): string {
  return join(dir, 'context.json');
}

/** Remembers how to undo a step, before the step. */
export function rememberUndo(dir: string, used: UsedContext, ...args: string[]): void {
  used.undo.push(args);
  writeFileSync(contextFile(dir), JSON.stringify(used));
}

/** Images that the nodes of the context can get: the ones named, or built with Docker and loaded into kind. */
export async function provideImages(context: string, version: string, progress: Progress): Promise<Images> {
  const named = imagesOf(process.env);
  if (named) return named;
  const images = { operator: `kcp-mcp-operator:${version}`, runtime: `kcp-mcp-runtime:${version}` };
  await progress.step('build both images with Docker', async () => {
    await run('npm', ['run', 'build'], { cwd: repoRoot });
    await run('docker', ['build', '-q', '-f', 'operator/Dockerfile', '-t', images.operator, '.'], { cwd: repoRoot });
    await run('docker', ['build', '-q', '-f', 'mcp-runtime/Dockerfile', '-t', images.runtime, '.'], { cwd: repoRoot });
  });
  const cluster = context.replace(/^kind-/, '');
  await progress.step(`load them into kind (${cluster})`, () =>
    run('kind', ['load', 'docker-image', '--name', cluster, images.operator, images.runtime]),
  );
  return images;
}

/** This machine's address as Pods of that cluster reach it: DEMO_HOST_ADDRESS, else the first that is not loopback. */
export function hostAddress(): string {
  const chosen = process.env['DEMO_HOST_ADDRESS'];
  if (chosen) return chosen;
  const address = Object.values(networkInterfaces())
    .flat()
    .find((each) => each !== undefined && each.family === 'IPv4' && !each.internal)?.address;
  if (address === undefined)
    throw new Error('this machine has no address that Pods could reach: set DEMO_HOST_ADDRESS');
  return address;
}
