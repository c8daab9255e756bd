import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repoRoot } from '../../lib/cache.ts';
import type { Recording } from '../../kcp/recorded.ts';
import type { Workspace } from '../../kcp/workspace.ts';

/** The body that a real kcp was recorded to answer with (e2e/kcp/testdata). */
export function recordedBody(name: string): unknown {
  const file = join(repoRoot, 'e2e/kcp/testdata', `${name}.json`);
  return (JSON.parse(readFileSync(file, 'utf8')) as Recording).response.body;
}

/** A Workspace as a real kcp sent it, `managedFields` included, so that answers have the size of real ones. */
export function recordedWorkspace(): Workspace {
  const file = join(repoRoot, 'mcp-runtime/src/kcp/testdata/workspaces-list-root-acme.http');
  const text = readFileSync(file, 'utf8');
  const body = JSON.parse(text.slice(text.indexOf('\n\n', text.indexOf('\nHTTP/1.1 ')))) as { items: Workspace[] };
  const [first] = body.items;
  if (!first) throw new Error(`${file} holds no Workspace`);
  return first;
}
