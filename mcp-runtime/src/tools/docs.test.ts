import { expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import * as z from 'zod';
import { ALL_TOOLS } from './all.ts';

const docs = readFileSync(new URL('../../../docs/tools.md', import.meta.url), 'utf8');

test.each(ALL_TOOLS.map((tool) => [tool.name, tool] as const))('docs/tools.md describes %s', (name, tool) => {
  const section = new RegExp(`^## \`${name}\`\n([^]*?)(?=^## |(?![^]))`, 'm').exec(docs)?.[1] ?? '';
  const documented = [...section.matchAll(/^- (`.+?)(:| \(required\))/gm)].flatMap(([, names = '']) =>
    names.split(', '),
  );
  const known = Object.keys(z.toJSONSchema(tool.input, { io: 'input' }).properties ?? {}).map((key) => `\`${key}\``);
  expect(new Set(documented.map((text) => text.replace(/[.:]$/, '')))).toEqual(new Set(known));
  const { readOnlyHint, destructiveHint, idempotentHint, openWorldHint } = tool.annotations;
  const hints = [
    readOnlyHint === true && 'read-only',
    destructiveHint === true && 'destructive',
    idempotentHint === true && 'idempotent',
    openWorldHint === true && 'open world',
  ].filter((hint) => hint !== false);
  // However the formatter lines the table up.
  expect(docs.replaceAll(/ {2,}/g, ' ')).toContain(
    `| [\`${name}\`](#${name}) | \`${tool.toolset}\` | ${hints.join(', ')} |`,
  );
});
