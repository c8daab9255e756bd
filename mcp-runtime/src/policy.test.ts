import { describe, expect, test } from '@jest/globals';
import { createPolicy } from './policy.ts';

type Config = Parameters<typeof createPolicy>[0];

function policy(config: Partial<Config> = {}) {
  return createPolicy({
    toolsets: ['core', 'kcp'],
    enabled_tools: [],
    disabled_tools: [],
    read_only: false,
    disable_destructive: false,
    denied_resources: [],
    ...config,
  });
}

const READ = { name: 'resources_get', toolset: 'core', annotations: { readOnlyHint: true, destructiveHint: false } };
const ADD = { name: 'pods_run', toolset: 'core', annotations: { destructiveHint: false } };
const DELETE = { name: 'resources_delete', toolset: 'core', annotations: { destructiveHint: true } };
const SILENT = { name: 'pods_exec', toolset: 'core', annotations: {} };
const all = [READ, ADD, DELETE, SILENT];

function allowed(config: Partial<Config>): string[] {
  const gates = policy(config);
  return all.filter((tool) => gates.refuseTool(tool) === undefined).map(({ name }) => name);
}

describe('refuseTool', () => {
  test('allows everything by default', () => {
    expect(allowed({})).toEqual(all.map(({ name }) => name));
  });

  test('read_only leaves what says that it only reads', () => {
    expect(allowed({ read_only: true })).toEqual(['resources_get']);
  });

  test('disable_destructive takes a tool that does not say for a destructive one', () => {
    expect(allowed({ disable_destructive: true })).toEqual(['resources_get', 'pods_run']);
  });

  test('enabled_tools is a complete list; disabled_tools wins over it', () => {
    expect(allowed({ enabled_tools: ['pods_run', 'resources_get'] })).toEqual(['resources_get', 'pods_run']);
    expect(allowed({ enabled_tools: ['pods_run'], disabled_tools: ['pods_run'] })).toEqual([]);
    expect(allowed({ disabled_tools: ['pods_exec'] })).not.toContain('pods_exec');
  });

  test('a toolset that is not enabled takes its tools with it', () => {
    expect(allowed({ toolsets: ['kcp'] })).toEqual([]);
  });

  test('names the setting', () => {
    expect(policy({ read_only: true }).refuseTool(DELETE)).toBe(
      'Tool resources_delete is switched off on this server (read_only: nothing may be changed).',
    );
  });
});

describe('refuseKind', () => {
  const denied = policy({
    denied_resources: [
      { group: '', version: 'v1', kind: 'Secret' },
      { group: 'rbac.authorization.k8s.io', version: '', kind: '' },
    ],
  });

  test('a kind of a group', () => {
    expect(denied.refuseKind({ group: '', kind: 'Secret' })).toContain('denied_resources');
    expect(denied.refuseKind({ group: '', kind: 'ConfigMap' })).toBeUndefined();
    expect(denied.refuseKind({ group: 'vault.example.com', kind: 'Secret' })).toBeUndefined();
  });

  test('a whole group', () => {
    expect(denied.refuseKind({ group: 'rbac.authorization.k8s.io', kind: 'Role' })).toContain('Role');
  });

  test('every version of a kind, whichever one is named: it is the same objects', () => {
    const hpa = policy({
      denied_resources: [{ group: 'autoscaling', version: 'v2', kind: 'HorizontalPodAutoscaler' }],
    });
    expect(hpa.refuseKind({ group: 'autoscaling', kind: 'HorizontalPodAutoscaler' })).toBeDefined();
  });
});
