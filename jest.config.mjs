// `unit` needs nothing but Node, and so does `conformance`, which others' clocks judge: it runs alone. `api` needs a real
// kube-apiserver (files named *.api.test.ts), and so does `long`, which runs only when it is named (*.long.test.ts).
// The scenarios (e2e/scenarios, e2e/scenarios-keycloak) are run by e2e/test.ts once their environment is up.
const common = {
  cacheDirectory: '<rootDir>/node_modules/.cache/jest',
  extensionsToTreatAsEsm: ['.ts'],
  testEnvironment: 'node',
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      { jsc: { parser: { syntax: 'typescript' }, target: 'es2024' }, module: { type: 'es6' } },
    ],
  },
  modulePathIgnorePatterns: ['/dist/', '/.demo/', '/.testing/'],
};

export default {
  projects: [
    {
      ...common,
      displayName: 'unit',
      testMatch: ['<rootDir>/{operator,mcp-runtime,e2e}/**/*.test.ts'],
      testPathIgnorePatterns: ['/node_modules/', '/e2e/scenarios', '/e2e/conformance/', '\\.(api|long)\\.test\\.ts$'],
    },
    {
      ...common,
      displayName: 'conformance',
      testMatch: ['<rootDir>/e2e/conformance/**/*.test.ts'],
    },
    {
      ...common,
      displayName: 'api',
      testMatch: ['<rootDir>/{operator,mcp-runtime,e2e}/**/*.api.test.ts'],
      testPathIgnorePatterns: ['/node_modules/', '/e2e/scenarios'],
    },
    {
      ...common,
      displayName: 'long',
      testMatch: ['<rootDir>/operator/**/*.long.test.ts'],
    },
    {
      ...common,
      displayName: 'e2e',
      testMatch: ['<rootDir>/e2e/scenarios/**/*.test.ts'],
    },
    {
      ...common,
      displayName: 'keycloak',
      testMatch: ['<rootDir>/e2e/scenarios-keycloak/**/*.test.ts'],
    },
  ],
};
