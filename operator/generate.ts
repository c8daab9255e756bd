// Writes what is generated: from the schema the CRD in crds/ and the tables of docs/api/kcpmcpserver.md, from config/ the Helm
// chart, from the health script the ConfigMap for Argo CD.
// `--check` writes nothing and ends with exit code 1 when a file differs from what would be written, or isn't generated any more.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { stringify } from 'yaml';
import { argocdConfigMap } from './packaging/argocd.ts';
import { chart } from './packaging/chart.ts';
import { conditionTables, fieldTable, ruleList } from './reference.ts';
import { customResourceDefinition } from './src/api/crd.ts';

const root = join(import.meta.dirname, '..');
const DOCS = 'docs/api/kcpmcpserver.md';
const CHART = 'config/helm/kcp-mcp-operator';

/** Replaces what stands between `<!-- generated: NAME -->` and `<!-- end: NAME -->`. */
function fill(text: string, name: string, content: string): string {
  const [begin, end] = [`<!-- generated: ${name} -->`, `<!-- end: ${name} -->`];
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`${DOCS}: no block "${name}"`);
  // Prettier would pad the tables to the width of their longest cell.
  const block = `<!-- prettier-ignore-start -->\n\n${content}\n\n<!-- prettier-ignore-end -->`;
  return `${text.slice(0, from + begin.length)}\n\n${block}\n\n${text.slice(to)}`;
}

function fromSchema(): Record<string, string> {
  const crd = customResourceDefinition();
  const schema = crd.spec.versions[0]?.schema.openAPIV3Schema;
  if (!schema) throw new Error('the CRD has no version');
  const docs = [
    ['spec', fieldTable(schema, 'spec')],
    ['rules', ruleList(schema)],
    ['status', fieldTable(schema, 'status')],
    ['conditions', conditionTables()],
  ].reduce((text, [name = '', content = '']) => fill(text, name, content), readFileSync(join(root, DOCS), 'utf8'));
  return {
    'crds/mcp.kcp.io_kcpmcpservers.yaml':
      '# Generated from operator/src/api by `npm run generate`; change it there.\n' +
      stringify(crd, { lineWidth: 120, aliasDuplicateObjects: false }),
    [DOCS]: docs,
  };
}

/** What is generated from files under config/ and crds/; those of the schema must be written before. */
function fromConfig(): Record<string, string> {
  const script = readFileSync(join(root, 'config/argocd/health.lua'), 'utf8');
  const files = Object.fromEntries(Object.entries(chart(root)).map(([file, text]) => [join(CHART, file), text]));
  return { ...files, 'config/argocd/argocd-cm.yaml': argocdConfigMap(script) };
}

function current(file: string): string | undefined {
  try {
    return readFileSync(join(root, file), 'utf8');
  } catch {
    return undefined;
  }
}

/** Files of the chart that nothing generates any more. */
function leftOver(files: Record<string, string>): string[] {
  const folder = join(root, CHART);
  const there = existsSync(folder) ? readdirSync(folder, { recursive: true, withFileTypes: true }) : [];
  return there
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .filter((file) => !(file in files));
}

const check = process.argv.includes('--check');
for (const generate of [fromSchema, fromConfig]) {
  const files = generate();
  for (const [file, text] of Object.entries(files).filter(([name, text]) => current(name) !== text)) {
    if (check) {
      console.error(`${file} differs from what it is generated from: run npm run generate`);
      process.exitCode = 1;
      continue;
    }
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), text);
    console.log(`wrote ${file}`);
  }
  for (const file of generate === fromConfig ? leftOver(files) : []) {
    if (check) {
      console.error(`${file} isn't generated any more: run npm run generate`);
      process.exitCode = 1;
      continue;
    }
    rmSync(join(root, file));
    console.log(`removed ${file}`);
  }
}
