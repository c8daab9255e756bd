// Writes what is generated from the schema: the CRD in crds/ and the tables of docs/api/kcpmcpserver.md.
// `--check` writes nothing and ends with exit code 1 when a file differs from what would be written.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { conditionTables, fieldTable, ruleList } from './reference.ts';
import { customResourceDefinition } from './src/api/crd.ts';

const root = join(import.meta.dirname, '..');
const DOCS = 'docs/api/kcpmcpserver.md';

/** Replaces what stands between `<!-- generated: NAME -->` and `<!-- end: NAME -->`. */
function fill(text: string, name: string, content: string): string {
  const [begin, end] = [`<!-- generated: ${name} -->`, `<!-- end: ${name} -->`];
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`${DOCS}: no block "${name}"`);
  // Prettier would pad the tables to the width of their longest cell.
  const block = `<!-- prettier-ignore-start -->\n\n${content}\n\n<!-- prettier-ignore-end -->`;
  return `${text.slice(0, from + begin.length)}\n\n${block}\n\n${text.slice(to)}`;
}

function generated(): Record<string, string> {
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

function current(file: string): string | undefined {
  try {
    return readFileSync(join(root, file), 'utf8');
  } catch {
    return undefined;
  }
}

const differing = Object.entries(generated()).filter(([file, text]) => current(file) !== text);
if (process.argv.includes('--check')) {
  for (const [file] of differing) console.error(`${file} differs from the schema: run npm run generate`);
  process.exitCode = differing.length ? 1 : 0;
} else {
  for (const [file, text] of differing) {
    writeFileSync(join(root, file), text);
    console.log(`wrote ${file}`);
  }
}
