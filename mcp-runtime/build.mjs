// Bundles the runtime into dist/main.js, and compiles it into dist/compile-cache: a sixth of the work of a start. The version
// comes from package.json, which src/version.ts imports.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { bundle } from '../esbuild.config.mjs';

/** Of undici only connections are used; its index drags in fetch, caches and mocks. What else is imported fails the build. */
const onlyConnections = {
  name: 'only-connections',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^undici$/ }, ({ resolveDir }) => ({
      path: 'undici',
      namespace: 'only-connections',
      pluginData: resolveDir,
    }));
    onLoad({ filter: /^undici$/, namespace: 'only-connections' }, ({ pluginData: resolveDir }) => ({
      resolveDir,
      contents: `
        import Dispatcher from 'undici/lib/dispatcher/dispatcher.js';
        import api from 'undici/lib/api/index.js';
        Object.assign(Dispatcher.prototype, api);
        export { default as Agent } from 'undici/lib/dispatcher/agent.js';
        export { default as Pool } from 'undici/lib/dispatcher/pool.js';
      `,
    }));
  },
};

const dist = join(import.meta.dirname, 'dist');
const main = join(dist, 'main.js');
const cache = join(dist, 'compile-cache');
const digest = () => (existsSync(main) ? createHash('sha256').update(readFileSync(main)).digest('hex') : undefined);

const before = digest();
await bundle('mcp-runtime', 'kcp-mcp-runtime', { plugins: [onlyConnections] });
// V8 never writes the same twice; an image whose parts are the same isn't built again.
if (digest() !== before || !existsSync(cache)) {
  rmSync(cache, { recursive: true, force: true });
  const env = { ...process.env, NODE_COMPILE_CACHE: cache, NODE_COMPILE_CACHE_PORTABLE: '1' };
  execFileSync(process.execPath, [main, '--version'], { env, stdio: 'ignore' });
}
