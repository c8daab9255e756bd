// Bundles the runtime into dist/main.js. The version comes from package.json, which src/version.ts imports.
import { bundle } from '../esbuild.config.mjs';

await bundle('mcp-runtime', 'kcp-mcp-runtime');
