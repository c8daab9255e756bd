// Bundles the operator into one file, dist/main.js, that needs Node and nothing else: a container image without
// node_modules starts faster and holds less. The version comes from package.json, which main.ts imports.
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, URL } from 'node:url';
import { build } from 'esbuild';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

/** Of client-node only the kubeconfig loader is used; its index drags in 18 MB of models and clients for every kind. */
const onlyKubeConfig = {
  name: 'only-kube-config',
  setup({ onResolve }) {
    const root = dirname(dirname(createRequire(import.meta.url).resolve('@kubernetes/client-node')));
    onResolve({ filter: /^@kubernetes\/client-node$/ }, () => ({
      path: join(root, 'dist/config.js'),
      sideEffects: false,
    }));
    onResolve({ filter: /^\./ }, async ({ path, resolveDir, importer }) => {
      if (!importer.startsWith(root)) return undefined;
      return { path: join(resolveDir, path), sideEffects: false };
    });
  },
};

/**
 * Machines still ship Node 20, which lacks what our dependencies need. Where the repository's own Node is at hand it takes
 * over; else this says what is missing, in place of a stack trace.
 */
const launcher = `
import { spawn as __spawn } from 'node:child_process';
import { existsSync as __existsSync } from 'node:fs';
import { createRequire as __createRequire } from 'node:module';
const require = __createRequire(import.meta.url);
const __has = process.versions.node.split('.').map(Number);
if (__has[0] < 22 || (__has[0] === 22 && __has[1] < 19)) {
  const own = new URL('../../node_modules/node/bin/node', import.meta.url).pathname;
  if (!__existsSync(own)) {
    console.error('kcp-mcp-operator: needs Node 22.19 or newer, and this is ' + process.versions.node + ': run npm install in the repository, or use a newer node');
    process.exit(1);
  }
  const child = __spawn(own, process.argv.slice(1), { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  process.exit(await new Promise((resolve) => child.on('exit', (code) => resolve(code ?? 1))));
}
`;

await build({
  absWorkingDir: here('.'),
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
  banner: { js: launcher },
  plugins: [onlyKubeConfig],
  logLevel: 'warning',
});
