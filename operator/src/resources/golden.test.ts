// What the builders build, object by object, beside what they built when somebody last looked at it.
// UPDATE_GOLDEN=1 rewrites the files; look at the diff.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { stringify } from 'yaml';
import type { KcpMcpServerSpecInput } from '../api/kcp-mcp-server.ts';
import { effectiveServer } from './effective-server.ts';
import { buildAll, type Children } from './index.ts';
import { mintedKubeconfig } from './minted-kubeconfig.ts';
import {
  anonymousSpec,
  exposedSpecs,
  FRONT_PROXY,
  frontProxyReferences,
  frontProxySpec,
  fullReferences,
  fullSpec,
  ISSUER,
  minimalSpec,
  references,
  server,
  sharedReferences,
  sharedSpec,
} from './testdata/servers.ts';

const testdata = join(import.meta.dirname, 'testdata');
const update = process.env['UPDATE_GOLDEN'] === '1';

/** The children that mode Kubeconfig makes different. */
const credentialsOf = ({ kubeconfigSecret, configMap, deployment }: Children) => ({
  kubeconfigSecret,
  configMap,
  deployment,
});

const cases = {
  minimal: buildAll(server(minimalSpec), references),
  full: buildAll(server(fullSpec), fullReferences),
  ...Object.fromEntries(Object.entries(exposedSpecs).map(([name, spec]) => [name, exposed(spec)])),
  shared: credentialsOf(buildAll(server(sharedSpec), sharedReferences)),
  anonymous: credentialsOf(buildAll(server(anonymousSpec), sharedReferences)),
  // What the operator makes of it once it has asked the FrontProxy.
  'front-proxy': {
    kubeconfig: mintedKubeconfig(server(frontProxySpec), 'kcp', FRONT_PROXY),
    indexKubeconfig: mintedKubeconfig(server(frontProxySpec), 'index', FRONT_PROXY),
    ...buildAll(effectiveServer(server(frontProxySpec), ISSUER), frontProxyReferences),
  },
};

/** The children that the way of being exposed has to do with. */
function exposed(spec: KcpMcpServerSpecInput): object {
  const { serviceAccount: _, kubeconfigSecret: __, certificate: ___, ...children } = buildAll(server(spec), references);
  if (spec.tls.termination === 'Edge') return children;
  const { configMap: ____, deployment: _____, ...others } = children;
  return others;
}

describe.each(Object.entries(cases))('%s', (name, built) => {
  const folder = join(testdata, name);
  const children = Object.entries(built) as [string, object][];

  test.each(children)('%s', (child, object) => {
    const file = join(folder, `${child}.yaml`);
    const text = stringify(object, { blockQuote: 'literal', lineWidth: 0, aliasDuplicateObjects: false });
    if (update) {
      mkdirSync(folder, { recursive: true });
      writeFileSync(file, text);
    }
    expect(text).toBe(readFileSync(file, 'utf8'));
  });

  test('nothing else is built', () => {
    const files = readdirSync(folder).map((file) => file.replace('.yaml', ''));
    expect(children.map(([child]) => child).sort()).toEqual(files.sort());
  });
});
