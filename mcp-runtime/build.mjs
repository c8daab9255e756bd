// Bundles the runtime into dist/main.js. The version comes from package.json, which src/version.ts imports.
import { build } from 'esbuild';
import { bundle } from '../esbuild.config.mjs';

await build(bundle('mcp-runtime', 'kcp-mcp-runtime'));
