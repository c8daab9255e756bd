import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import * as z from 'zod';
import { TOOLSETS } from '../config/schema.ts';
import { kubeconfigOf } from '../testing/fake-kcp.ts';
import { createBench } from '../testing/toolset.ts';
import type { ToolBench } from '../testing/toolset.ts';
import { ALL_TOOLS } from './all.ts';

interface UpstreamTool {
  readonly name: string;
  readonly title: string;
  readonly arguments: Readonly<Record<string, string>>;
  readonly required: readonly string[];
  readonly annotations: Readonly<Record<string, boolean>>;
}

/** What kubernetes-mcp-server 0.0.67 answers to `tools/list` with toolsets core, kcp and config, without its descriptions. */
const upstream = JSON.parse(
  readFileSync(new URL('testdata/upstream-tools.json', import.meta.url), 'utf8'),
) as UpstreamTool[];

/** What MCP takes a tool for that doesn't say. */
const DEFAULTS = { readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: true };

test.each(upstream.map((tool) => [tool.name, tool] as const))('%s is there as upstream has it', (name, theirs) => {
  const tool = ALL_TOOLS.find((each) => each.name === name);
  if (tool === undefined) throw new Error('is not there');
  expect(tool.title).toBe(theirs.title);
  expect({ ...DEFAULTS, ...tool.annotations }).toEqual({ ...DEFAULTS, ...theirs.annotations });
  const { properties = {}, required = [] } = z.toJSONSchema(tool.input, { io: 'input' });
  expect(required.toSorted()).toEqual(theirs.required);
  const types = Object.fromEntries(
    Object.keys(theirs.arguments).map((key) => [key, (properties[key] as { type?: string } | undefined)?.type]),
  );
  expect(types).toEqual(theirs.arguments);
});

test('for plain Kubernetes all of them are served that are not about workspaces', () => {
  const kubeconfig = kubeconfigOf('https://127.0.0.1:1', '');
  const served = (bench: ToolBench) => bench.toolset.list().map(({ name }) => name);
  const names = upstream.map(({ name }) => name);
  expect(served(createBench({ kubeconfig }, { toolsets: [...TOOLSETS] }))).toEqual(expect.arrayContaining(names));
  const plain = names.filter((name) => !/^kcp_|^workspace_/.test(name));
  const cluster = createBench(
    { kubeconfig },
    { toolsets: ['core', 'config'], cluster_provider_strategy: 'kubeconfig' },
  );
  expect(served(cluster)).toEqual(expect.arrayContaining(plain));
});
