// Bundles the operator into dist/main.js. The version comes from package.json, which main.ts imports.
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { bundle } from '../esbuild.config.mjs';

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

await bundle('operator', 'kcp-mcp-operator', { plugins: [onlyKubeConfig] });
