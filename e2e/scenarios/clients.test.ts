import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { inspect, INSPECTOR_ERAS, resultOf } from '../conformance/inspector.ts';
import { clients, connectMcp, type ClientKind } from '../oidc/connect.ts';
import { state, tokensOf } from './support.ts';

test.each(Object.entries(clients) as [ClientKind, string][])('client %s speaks %s', async (kind, era) => {
  const { accessToken } = await tokensOf('alice');
  const client = await connectMcp({ mcpURL: state.mcpURL, accessToken, ca: state.caFile, client: kind });
  try {
    expect(client.era).toBe(era);
    const own = await client.callTool('namespaces_list', { workspace: 'root:acme:team-a' });
    expect(own.text).toMatch(/^default\s/m);
  } finally {
    await client.close();
  }
});

describe('the inspector', () => {
  let home: string;
  beforeAll(() => {
    home = mkdtempSync(join(tmpdir(), 'inspector-'));
  });
  afterAll(() => {
    rmSync(home, { recursive: true });
  });

  test.each(INSPECTOR_ERAS.map(([era]) => era))('lists and calls tools, protocol era %s', async (era) => {
    const { accessToken: token } = await tokensOf('alice');
    const run = async (...args: string[]) =>
      resultOf(await inspect({ ...state, token, home }, ['--protocol-era', era, ...args]));
    const { tools = [] } = await run('--method', 'tools/list');
    expect(tools.map(({ name }) => name)).toContain('namespaces_list');
    const call = ['--method', 'tools/call', '--tool-name', 'namespaces_list'];
    const { content = [] } = await run(...call, '--tool-arg', 'workspace=root:acme:team-a');
    expect(content[0]?.text).toMatch(/^default\s/m);
  });
});
