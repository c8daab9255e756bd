import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { waitFor } from '../lib/wait.ts';
import { linesOf, startKcpForTest } from './testing.ts';
import type { KcpForTest } from './testing.ts';
import type { Workspace } from './workspace.ts';

const workspaces = '/apis/tenancy.kcp.io/v1alpha1/workspaces';
const wildcard = '/services/apiexport/root/tenancy.kcp.io/clusters/*';
const everyone = { kind: 'Group', name: 'system:authenticated' } as const;
const paths = ['root:one', 'root:two', 'root:one:below'];

let running: KcpForTest;

beforeAll(async () => {
  running = await startKcpForTest({
    root: { grants: [{ subject: everyone, level: 'enter' }] },
    workspaces: paths.map((path) => ({ path, grants: [] })),
  });
}, 300_000);

afterAll(() => running.stop());

describe('the wildcard index', () => {
  const index = { certificate: { user: 'mcp-index' } };

  beforeAll(async () => {
    const group = 'rbac.authorization.k8s.io';
    const rules = [
      { apiGroups: ['apis.kcp.io'], resources: ['apiexports/content'], resourceNames: ['tenancy.kcp.io'], verbs: ['list', 'watch'] },
      { apiGroups: ['apis.kcp.io'], resources: ['apiexportendpointslices'], verbs: ['get', 'list', 'watch'] },
      { nonResourceURLs: ['/'], verbs: ['access'] },
    ]; // prettier-ignore
    const collection = `/apis/${group}/v1`;
    await running.admin.request('root', `${collection}/clusterroles`, { method: 'POST', body: { metadata: { name: 'index' }, rules } });
    await running.admin.request('root', `${collection}/clusterrolebindings`, {
      method: 'POST',
      body: { metadata: { name: 'index' }, roleRef: { apiGroup: group, kind: 'ClusterRole', name: 'index' }, subjects: [{ apiGroup: group, kind: 'User', name: 'mcp-index' }] },
    });
    const allowed = async (): Promise<boolean> => (await running.statusOf(index, `${wildcard}${workspaces}`)) === 200;
    await waitFor('the index identity to be let in', allowed, { deadlineMs: 10_000 });
  }); // prettier-ignore

  test('lists the Workspaces of all workspaces to whoever has apiexports/content, and nothing else', async () => {
    const response = await running.send(index, `${wildcard}${workspaces}`);
    const { items, metadata } = (await response.json()) as {
      items: Workspace[];
      metadata: { resourceVersion: string };
    };
    expect(items.map((item) => item.spec?.URL?.replace(/.*clusters\//, ''))).toEqual(expect.arrayContaining(paths));
    expect(Number(metadata.resourceVersion)).toBeGreaterThan(0);
    expect(await running.statusOf(index, `${wildcard}/api/v1/secrets`)).toBe(404);
    expect(await running.statusOf(index, '/clusters/root:one:below/api/v1/secrets')).toBe(403);
    expect(await running.statusOf(index, '/services/other')).toBe(403);
    expect(await running.statusOf('alice', `${wildcard}${workspaces}`)).toBe(403);
  });

  test('pages', async () => {
    const names: string[] = [];
    let token: string | undefined = '';
    while (token !== undefined) {
      const response = await running.send(index, `${wildcard}${workspaces}?limit=2&continue=${token}`);
      const page = (await response.json()) as { items: Workspace[]; metadata: { continue?: string } };
      expect(page.items.length).toBeLessThanOrEqual(2);
      names.push(...page.items.map((item) => item.metadata.uid));
      token = page.metadata.continue ? page.metadata.continue : undefined;
    }
    expect(new Set(names).size).toBe(names.length);
    expect(names.length).toBeGreaterThanOrEqual(paths.length);
  });

  test('is watched from a list on, and ends with a bookmark', async () => {
    const list = (await (await running.send(index, `${wildcard}${workspaces}`)).json()) as { metadata: { resourceVersion: string } };
    const watch = await running.send(index, `${wildcard}${workspaces}?watch=true&allowWatchBookmarks=true&timeoutSeconds=5&resourceVersion=${list.metadata.resourceVersion}`);
    await running.admin.request('root:one', `${workspaces}/below`, {
      method: 'PATCH',
      contentType: 'application/merge-patch+json',
      body: { metadata: { labels: { seen: 'yes' } } },
    });
    const events = await linesOf(watch);
    expect(events[0]).toMatchObject({ type: 'MODIFIED', object: { metadata: { name: 'below', labels: { seen: 'yes' } } } });
    expect(events.at(-1)?.type).toBe('BOOKMARK');
  }, 15_000); // prettier-ignore

  test('can be had as a streaming list', async () => {
    const query =
      'watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&timeoutSeconds=2';
    const events = await linesOf(await running.send(index, `${wildcard}${workspaces}?${query}`));
    const end = events.findIndex(({ type }) => type === 'BOOKMARK');
    expect(events.slice(0, end).every(({ type }) => type === 'ADDED')).toBe(true);
    expect(end).toBeGreaterThanOrEqual(paths.length);
    expect(events[end]?.object.metadata.annotations).toEqual({ 'k8s.io/initial-events-end': 'true' });
  }, 15_000);
});
