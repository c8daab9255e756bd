import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repoRoot } from '../../lib/cache.ts';

/** What the image has in /app. */
export const dist = join(repoRoot, 'mcp-runtime/dist');

/**
 * How a container of the runtime's image starts: flags of Node and environment, read out of its Dockerfile, with files of
 * the image where the build has them here.
 */
export interface ImageStart {
  nodeFlags: string[];
  env: Record<string, string>;
}

/** @throws when the Dockerfile's ENTRYPOINT isn't node with flags and /app/main.js any more */
export function imageStart(dockerfile = join(repoRoot, 'mcp-runtime/Dockerfile')): ImageStart {
  const text = readFileSync(dockerfile, 'utf8').replaceAll('\\\n', ' ');
  const entrypoint = JSON.parse(/^ENTRYPOINT (\[.*\])$/m.exec(text)?.[1] ?? '[]') as string[];
  const [node, ...rest] = entrypoint;
  if (node !== 'node' || rest.at(-1) !== '/app/main.js') {
    throw new Error(
      `${dockerfile}: ENTRYPOINT is not ["node", …, "/app/main.js"], so the benchmark can't start the same`,
    );
  }
  const pairs = [...text.matchAll(/^ENV (.*)$/gm)].flatMap(([, line = '']) => line.trim().split(/\s+/));
  const env: Record<string, string> = {};
  for (const pair of pairs) {
    const end = pair.indexOf('=');
    env[pair.slice(0, end)] = pair.slice(end + 1).replace(/^\/app(?=\/)/, dist);
  }
  return { nodeFlags: rest.slice(0, -1), env };
}
