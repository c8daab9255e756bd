import { describe, expect, test } from '@jest/globals';
import { keyOf, type ObjectKey } from '../kube/index.ts';
import { runtimeConfig } from '../resources/config-map.ts';
import { lookAtDropIn, resolveDropIn, type ResolvedDropIn } from './drop-in.ts';
import type { DataObject } from './objects.ts';
import { NotYetKnownError } from './references.ts';
import { testServer, type ServerOptions } from './testing/objects.ts';
import { Looks, type Watched } from './watched-objects.ts';

const GOOD = 'log_level = 2';
const spec = { config: { dropInRef: { name: 'more', key: 'more.toml' } } };

const present = (data: Record<string, string>, owner?: string): Watched<DataObject> => ({
  state: 'present',
  object: {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      name: 'x',
      ...(owner !== undefined && {
        ownerReferences: [{ apiVersion: 'v1', kind: 'K', name: 'n', uid: owner, controller: true }],
      }),
    },
    data,
  },
});
const dropIn = (text: string) => present({ 'more.toml': text });

interface World {
  /** The ConfigMap that the spec names. */
  named?: Watched<DataObject>;
  /** Our own, with config.toml. */
  own?: Watched<DataObject>;
  server?: ServerOptions;
}

function context({ named, own, server = { spec } }: World) {
  const objects: Record<string, Watched<DataObject> | undefined> = {
    'kcp-mcp/more': named,
    'kcp-mcp/vespucci-mcp-config': own,
  };
  const looked: string[] = [];
  const ConfigMap = {
    look: (key: ObjectKey): Watched<DataObject> => {
      looked.push(keyOf(key));
      return objects[keyOf(key)] ?? { state: 'absent' };
    },
  };
  return {
    looked,
    server: testServer(server),
    sources: { sources: { ConfigMap } } as never,
    looks: new Looks('kcp-mcp/vespucci'),
    grantee: '--serviceaccount=ns:sa',
  };
}

const resolve = (world: World): ResolvedDropIn => resolveDropIn(context(world));
const message = (world: World) => resolve(world).problem?.message;

describe('without anything wrong', () => {
  test('none is named: nothing is looked at', () => {
    const it = context({ server: {} });
    lookAtDropIn(it);
    expect(resolveDropIn(it)).toEqual({ usable: true });
    expect(it.looked).toEqual([]);
  });

  test('the one that is named is taken, and ours is not read', () => {
    const it = context({ named: dropIn(GOOD) });
    lookAtDropIn(it);
    expect(resolveDropIn(it)).toEqual({
      usable: true,
      dropIn: { document: { log_level: 2 } },
      from: 'ConfigMap kcp-mcp/more, key more.toml',
    });
    expect(new Set(it.looked)).toEqual(new Set(['kcp-mcp/more']));
  });

  test('nothing is said before the API server has answered', () => {
    expect(() => resolve({ named: { state: 'pending' } })).toThrow(NotYetKnownError);
    expect(() => resolve({ named: dropIn('x'), own: { state: 'pending' } })).toThrow(NotYetKnownError);
  });
});

describe('what is wrong is told with its cure', () => {
  test.each<[string, Watched<DataObject>, string, string]>([
    ['missing', { state: 'absent' }, 'NotFound', 'ConfigMap kcp-mcp/more not found: create it with further TOML'],
    ['without the key', present({ 'config.toml': GOOD }), 'KeyMissing', 'ConfigMap kcp-mcp/more has no key more.toml'],
    ['forbidden', { state: 'forbidden', message: '' }, 'Forbidden', 'the operator may not read ConfigMap kcp-mcp/more'],
    [
      'not TOML',
      dropIn('log_level = 1\nx ='),
      'InvalidDropIn',
      "ConfigMap kcp-mcp/more, key more.toml: line 2: isn't valid TOML",
    ],
    [
      'about authentication',
      dropIn('oauth_audience = "x"'),
      'InvalidDropIn',
      'line 1: oauth_audience = "x": is refused in a drop-in; set spec.auth.oidc.audience',
    ],
  ])('%s', (_, named, reason, says) => {
    const resolved = resolve({ named });
    expect(resolved).toMatchObject({ usable: false, problem: { kind: 'waiting', reason } });
    expect(resolved.problem?.message).toContain(says);
  });

  test('the right to read it comes with the command that grants it', () => {
    expect(resolve({ named: { state: 'forbidden', message: '' } }).problem?.command).toContain(
      'kubectl -n kcp-mcp create role kcp-mcp-operator-more --verb=get,watch --resource=configmaps --resource-name=more',
    );
  });

  test('somebody else’s text stays one line that prints', () => {
    const text = `"a\\u001b[2J\\u202eb" = 1\nserver_instructions = 1\nlist_output = "\\u202e${'x'.repeat(9_000)}\\n"\n`;
    const said = message({ named: dropIn(text) }) ?? '';
    expect(said).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    expect(said.length).toBeLessThan(2_200);
    expect(said).toContain('line 2: server_instructions = 1: must be text');
  });
});

describe('while it is wrong', () => {
  const named = dropIn('oauth_audience = "x"');

  test('the last good one goes on, under a spec that may have changed', () => {
    const own = present({ 'config.toml': '', 'drop-in.toml': GOOD }, 'uid-1');
    for (const bad of [named, { state: 'absent' } as const]) {
      const resolved = resolve({ named: bad, own, server: { spec: { ...spec, tools: { readOnly: true } } } });
      expect(resolved).toMatchObject({ usable: true, dropIn: { document: { log_level: 2 } } });
      expect(resolved.problem?.message).toMatch(/\. The server goes on with the last good one$/);
    }
  });

  test('a server that ran without one goes on without', () => {
    const resolved = resolve({ named, own: present({ 'config.toml': '' }, 'uid-1') });
    expect(resolved).toMatchObject({ usable: true });
    expect('dropIn' in resolved).toBe(false);
    expect(resolved.problem?.message).toMatch(/\. The server goes on without it$/);
  });

  test.each<[string, Watched<DataObject>]>([
    ['there is no config.toml yet', { state: 'absent' }],
    ['the ConfigMap in its place is not ours', present({ 'drop-in.toml': GOOD }, 'uid-of-another')],
  ])('nothing starts where %s', (_, own) => {
    expect(resolve({ named, own })).toMatchObject({ usable: false, problem: { reason: 'InvalidDropIn' } });
  });

  test('a gate that the spec closed since stays closed, whatever the last good one said', () => {
    const own = present({ 'drop-in.toml': 'log_level = 2\nread_only = false\ntoolsets = ["core", "kcp"]' }, 'uid-1');
    const server = { spec: { ...spec, tools: { readOnly: true, toolsets: ['core'] } } };
    const resolved = resolve({ named, own, server });
    if (!resolved.usable || !resolved.dropIn) throw new Error(resolved.problem?.message);
    expect(runtimeConfig(testServer(server), resolved.dropIn)).toMatchObject({
      log_level: 2,
      read_only: true,
      toolsets: ['core'],
    });
  });

  test('a last good one that this version refuses leaves config.toml as it is', () => {
    const resolved = resolve({ named, own: present({ 'drop-in.toml': 'old_key = 1' }, 'uid-1') });
    expect(resolved.usable).toBe(false);
    expect(resolved.problem?.message).toContain("The last good one isn't any more (line 1: old_key: unknown key");
    expect(resolved.problem?.message).toMatch(/config.toml stays as it is$/);
  });
});
