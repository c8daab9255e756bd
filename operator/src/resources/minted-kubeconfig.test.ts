import { describe, expect, test } from '@jest/globals';
import { mintedKubeconfig, mintedName, serverOfMinted, type MintedUse } from './minted-kubeconfig.ts';
import { minimalSpec, server } from './testdata/servers.ts';

const named = (namespace: string, name: string) => {
  const it = server(minimalSpec);
  return { ...it, metadata: { ...it.metadata, namespace, name } };
};
const LONG = 'n'.repeat(63);

describe('mintedName', () => {
  test('can be told beforehand', () => {
    expect(mintedName(named('kcp-mcp', 'vespucci'), 'kcp')).toBe('kcp-mcp.kcp-mcp.vespucci');
    expect(mintedName(named('kcp-mcp', 'vespucci'), 'index')).toBe('kcp-mcp-index.kcp-mcp.vespucci');
  });

  test('is never that of another server, and fits a label value', () => {
    const servers = [
      ...[named('a-b', 'c'), named('a', 'b-c'), named('a', 'bc'), named('index', 'a'), named('a', 'index')],
      ...[named(LONG, 'a'), named(LONG, 'a'.repeat(48)), named(`${LONG.slice(1)}x`, 'a'), named(LONG, 'b')],
    ];
    const names = servers.flatMap((it) => (['kcp', 'index'] satisfies MintedUse[]).map((use) => mintedName(it, use)));
    expect(new Set(names).size).toBe(names.length);
    for (const name of names) expect(name).toMatch(/^(?=.{1,63}$)[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/);
  });
});

describe('mintedKubeconfig', () => {
  const frontProxy = { namespace: 'kcp-vespucci', name: 'vespucci' };

  test('has a user of its own for each use, who is in no group', () => {
    const it = named('kcp-mcp', 'vespucci');
    expect(mintedKubeconfig(it, 'kcp', frontProxy).spec).toMatchObject({ username: 'kcp-mcp', groups: [] });
    expect(mintedKubeconfig(it, 'index', frontProxy).spec).toMatchObject({ username: 'kcp-mcp-index', groups: [] });
  });

  test('is owned where it lies beside its server, and only there', () => {
    const { metadata } = mintedKubeconfig(named('kcp-vespucci', 'a'), 'kcp', frontProxy);
    expect(metadata.ownerReferences).toHaveLength(1);
    expect(mintedKubeconfig(named('kcp-mcp', 'a'), 'kcp', frontProxy).metadata.ownerReferences).toBeUndefined();
  });

  test('tells whose it is', () => {
    const made = mintedKubeconfig(named('kcp-mcp', 'a'), 'kcp', frontProxy);
    expect(serverOfMinted(made)).toBe('kcp-mcp/a');
    const { labels, ...metadata } = made.metadata;
    expect(serverOfMinted({ metadata })).toBeUndefined();
    const others = { ...labels, 'app.kubernetes.io/managed-by': 'somebody' };
    expect(serverOfMinted({ metadata: { ...metadata, labels: others } })).toBeUndefined();
  });
});
