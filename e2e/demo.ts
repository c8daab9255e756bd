/** `make demo` and `make demo-down`: command line only; the steps are in demo/up.ts and demo/down.ts. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { repoRoot } from './lib/cache.ts';
import { down } from './demo/down.ts';
import { show, whatNext } from './demo/show.ts';
import { stateFile } from './demo/state.ts';
import { missingFor } from './demo/requirements.ts';
import { up } from './demo/up.ts';

const usage = `Usage: node e2e/demo.ts up [--detach] | down

  up         set everything up, show the product's main job, and leave it running until Ctrl-C
  --detach   leave it running and end; e2e/demo.ts down (make demo-down) removes it
  down       remove everything that up started, whatever state it is in

Environment
  DEMO_CONTEXT        a context of your kubeconfig: use that cluster in place of a local node
  DEMO_HOST_ADDRESS   with DEMO_CONTEXT: this machine's address as its Pods reach it
  OPERATOR_IMAGE, RUNTIME_IMAGE   with DEMO_CONTEXT: images that its nodes can pull
  KCP_BIN, KCP_KUBECONFIG         a real kcp in place of the stand-in
  KCP_MCP_CACHE       cache folder (default ~/.cache/kcp-mcp-operator)
`;

const dir = join(repoRoot, '.demo');

/** Returns the exit code: the given one, or 1 when something is left. */
async function remove(code: number): Promise<number> {
  try {
    await down(dir);
    console.error('The demo is gone.');
    return code;
  } catch (error) {
    console.error((error as Error).message);
    return 1;
  }
}

const { values, positionals } = parseArgs({
  options: { detach: { type: 'boolean', default: false }, help: { type: 'boolean' } },
  allowPositionals: true,
});
const [command] = positionals;

if (values.help || (command !== 'up' && command !== 'down')) {
  process.stdout.write(usage);
  process.exit(values.help ? 0 : 2);
}

if (command === 'down') {
  console.log('Removing the demo…');
  process.exit(await remove(0));
}

const context = process.env['DEMO_CONTEXT'] || undefined;
const missing = missingFor(context);
if (missing.length > 0) {
  console.error(`make demo can't run here:\n${missing.map((line) => `- ${line}`).join('\n')}`);
  process.exit(1);
}
if (existsSync(stateFile(dir))) {
  console.error('A demo is already there (.demo/demo.json): `make demo-down` removes it.');
  process.exit(1);
}

const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    // A second Ctrl-C must not end the clean-up half way.
    if (interrupted.signal.aborted) return;
    interrupted.abort();
    console.error('\nRemoving the demo…');
    void remove(signal === 'SIGINT' ? 130 : 143).then((code) => process.exit(code));
  });
}

try {
  const state = await up({ dir, instance: 0, ...(context === undefined ? {} : { context }) });
  await show(state);
  console.log(whatNext(state, values.detach));
} catch (error) {
  // Cut short by Ctrl-C: the clean-up is under way and ends the process.
  if (interrupted.signal.aborted) await new Promise(() => undefined);
  console.error(`\nmake demo failed: ${error instanceof Error ? error.message : String(error)}`);
  console.error('What ran is left as it is, logs in .demo/log; `make demo-down` removes it.');
  process.exit(1);
}
if (values.detach) process.exit(0);
// Something has to keep the process alive until Ctrl-C.
setInterval(() => undefined, 2 ** 30);
