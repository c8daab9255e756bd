import { readFile } from 'node:fs/promises';
import { expect, test } from '@jest/globals';
import type * as z from 'zod';
import { parseConfig } from './load.ts';
import { runtimeConfigSchema } from './schema.ts';

/** Keys of a table and of the tables in it: `http.max_body_bytes`. */
function keys(schema: z.ZodType, prefix = ''): string[] {
  let inner = schema;
  while ('innerType' in inner.def || 'in' in inner.def) {
    inner = ('innerType' in inner.def ? inner.def.innerType : inner.def.in) as z.ZodType;
  }
  if (!('shape' in inner)) return [prefix];
  const shape = inner.shape as Record<string, z.ZodType>;
  return Object.entries(shape).flatMap(([name, value]) => keys(value, prefix === '' ? name : `${prefix}.${name}`));
}

const docs = await readFile(new URL('../../../docs/configuration.md', import.meta.url), 'utf8');

test('docs/configuration.md has every key', () => {
  const missing = keys(runtimeConfigSchema).filter(
    (key) => !docs.includes(`\`${key}\``) && !docs.includes(`[[${key}]]`),
  );
  expect(missing).toEqual([]);
});

test('the smallest file of docs/configuration.md is accepted', () => {
  const [, source = ''] = /```toml\n([^]*?)```/.exec(docs) ?? [];
  expect(parseConfig(source, 'docs')).toMatchObject({ server_url: 'https://mcp.example.com' });
});
