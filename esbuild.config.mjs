// How operator and runtime are bundled: each into one file, dist/main.js, that needs Node and nothing else. One file
// starts faster than a tree of modules, and an image without node_modules holds less.
import { URL, fileURLToPath } from 'node:url';

/**
 * Machines still ship Node 20, which lacks what our dependencies need. Where the repository's own Node is at hand it takes
 * over; else this says what is missing, in place of a stack trace. CommonJS dependencies need the `require`.
 */
const launcher = (name) => `
import { spawn as __spawn } from 'node:child_process';
import { existsSync as __existsSync } from 'node:fs';
import { createRequire as __createRequire } from 'node:module';
const require = __createRequire(import.meta.url);
const __has = process.versions.node.split('.').map(Number);
if (__has[0] < 22 || (__has[0] === 22 && __has[1] < 19)) {
  const own = new URL('../../node_modules/node/bin/node', import.meta.url).pathname;
  if (!__existsSync(own)) {
    console.error('${name}: needs Node 22.19 or newer, and this is ' + process.versions.node + ': run npm install in the repository, or use a newer node');
    process.exit(1);
  }
  const child = __spawn(own, process.argv.slice(1), { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  process.exit(await new Promise((resolve) => child.on('exit', (code) => resolve(code ?? 1))));
}
`;

/** Options for esbuild's `build`. `folder` holds src/main.ts and gets dist/main.js; `name` is what the program calls itself. */
export const bundle = (folder, name) => ({
  absWorkingDir: fileURLToPath(new URL(folder, import.meta.url)),
  entryPoints: ['src/main.ts'],
  outfile: 'dist/main.js',
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node22',
  // Names stay: stack traces and error names are read by people.
  minifyWhitespace: true,
  minifySyntax: true,
  legalComments: 'linked',
  banner: { js: launcher(name) },
  logLevel: 'warning',
});
