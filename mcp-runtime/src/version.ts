import manifest from '../package.json' with { type: 'json' };

/** The runtime's version; the bundle carries that of the package.json it was built from. */
export const VERSION: string = manifest.version;
