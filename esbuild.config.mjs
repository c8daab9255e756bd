// How operator and runtime are bundled: each into one file, dist/main.js, that needs Node and nothing else. One file
// starts faster than a tree of modules, and an image without node_modules holds less.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { URL, fileURLToPath } from 'node:url';
import { build } from 'esbuild';

/**
 * Machines still ship Node 20, which lacks what our dependencies need. Where the repository's own Node is at hand it takes
 * over; else this says what is missing, in place of a stack trace.
 */
const launcher = (name) => `
const [__major, __minor] = process.versions.node.split('.').map(Number);
if (__major < 22 || (__major === 22 && __minor < 19)) {
  const own = require('node:path').join(__dirname, '../../node_modules/node/bin/node');
  if (!require('node:fs').existsSync(own)) {
    console.error('${name}: needs Node 22.19 or newer, and this is ' + process.versions.node + ': run npm install in the repository, or use a newer node');
    process.exit(1);
  }
  const child = require('node:child_process').spawn(own, process.argv.slice(1), { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code) => process.exit(code ?? 1));
  return;
}
`;

/**
 * Bundles `folder`/src/main.ts into `folder`/dist/main.js. `name` is what the program calls itself; `options` are esbuild's,
 * over those of here.
 */
export async function bundle(folder, name, options = {}) {
  const absWorkingDir = fileURLToPath(new URL(folder, import.meta.url));
  await build({ ...shared, absWorkingDir, banner: { js: launcher(name) }, ...options });
  // The package of the sources is of ES modules.
  await writeFile(join(absWorkingDir, 'dist/package.json'), '{ "type": "commonjs" }\n');
}

const shared = {
  entryPoints: ['src/main.ts'],
  outfile: 'dist/main.js',
  bundle: true,
  platform: 'node',
  // Node looks at every export of a built-in module that is imported, and loads what some of them defer; not so for require.
  format: 'cjs',
  target: 'node22',
  // Leaves out what libraries do for their developers.
  define: { 'process.env.NODE_ENV': '"production"' },
  // Names stay: stack traces and error names are read by people.
  minifyWhitespace: true,
  minifySyntax: true,
  legalComments: 'linked',
  logLevel: 'warning',
};
