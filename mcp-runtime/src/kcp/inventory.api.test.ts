import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { parseAllDocuments } from 'yaml';
import { mountWorkspace } from '../../../e2e/kcp/mount-workspace.ts';
import type { LogEntry } from '../../../e2e/kcp/request-log.ts';
import { startKcpForTest } from '../../../e2e/kcp/testing.ts';
import type { KcpForTest } from '../../../e2e/kcp/testing.ts';
import type { WorkspaceTree } from '../../../e2e/kcp/tree.ts';
import { issueCertificate } from '../../../e2e/lib/certs.ts';
import { repoRoot } from '../../../e2e/lib/cache.ts';
import { waitFor } from '../../../e2e/lib/wait.ts';
import { demoAccounts } from '../../../e2e/oidc/accounts.ts';
import { signTestToken } from '../../../e2e/oidc/test-tokens.ts';
import { createPrincipal } from '../auth/principal.ts';
import type { Principal } from '../auth/principal.ts';
import { kubeconfigOf } from '../testing/fake-kcp.ts';
import { captureLog } from '../testing/log.ts';
import { createKcpClient } from './client.ts';
import type { KcpClient } from './client.ts';
import { homeClusterOf } from './home.ts';
import { createInventory } from './inventory.ts';
import type { CallerWorkspaces, Inventory } from './inventory.ts';
import { createWorkspaceIndex } from './workspace-index.ts';
import type { WorkspaceIndex } from './workspace-index.ts';

// Both inventories on a kcp: the stand-in with two shards, or the real one where KCP_BIN names it (one shard then).

const isReal = Boolean(process.env['KCP_BIN'] ?? process.env['KCP_KUBECONFIG']);
const standInOnly = isReal ? test.skip : test;
const SOON = { deadlineMs: 30_000, intervalMs: 50 };
const RBAC = '/apis/rbac.authorization.k8s.io/v1';
const WORKSPACES = '/apis/tenancy.kcp.io/v1alpha1/workspaces';
const HOME = homeClusterOf('alice@example.com');

const user = (name: string) => ({ kind: 'User', name: `${name}@example.com` }) as const;
const everyone = { kind: 'Group', name: 'system:authenticated' } as const;
const alice = { subject: user('alice'), level: 'enter' } as const;

/** alice can't list what is in `root:shut`, and so can't walk to what she has there. */
const TREE: WorkspaceTree = {
  root: { grants: [{ subject: everyone, level: 'enter' }] },
  workspaces: [
    { path: 'root:acme', ...shard('shard-1'), grants: [alice] },
    { path: 'root:shut', ...shard('root'), grants: [] },
    { path: 'root:acme:team-a', grants: [{ subject: user('alice'), level: 'edit' }] },
    { path: 'root:acme:secret-plan', grants: [] },
    { path: 'root:shut:hidden-gem', grants: [alice] },
  ],
};

let running: KcpForTest;
let kcp: KcpClient;
let requests = 0;
let index: WorkspaceIndex;
let files: { kubeconfig: string; ca: string };
let callers: Record<'alice' | 'bob', Principal>;
const logged = captureLog();
/** Undoes what was started, last first. */
const cleanups: (() => unknown)[] = [];

beforeAll(async () => {
  running = await startKcpForTest(TREE, { shards: 2 });
  cleanups.push(() => running.stop());
  const { kcp: handle, admin } = running;
  kcp = createKcpClient({
    kubeconfig: kubeconfigOf(`${handle.url}/clusters/root`, await readFile(handle.caFile, 'utf8')),
    observe: () => {
      requests += 1;
    },
  });
  cleanups.push(() => kcp.close());
  callers = { alice: await principalOf('alice'), bob: await principalOf('bob') };
  await makeHome();
  const target = handle.workspaces['root:acme:team-a']?.cluster ?? '';
  await mountWorkspace(admin, 'root:acme', 'edge', `${handle.url}/clusters/${target}`);
  files = await indexFiles('kcp-mcp-index');
  await grantIndex();
  index = await createWorkspaceIndex({ kubeconfigFile: files.kubeconfig, caFile: files.ca, log: logged.log });
  cleanups.push(() => index.close());
  await waitFor('the index to be loaded', () => index.problem() === undefined, SOON);
}, 300_000);

afterAll(async () => {
  for (const cleanup of cleanups.reverse()) await cleanup();
}, 60_000);

function shard(name: string): { shard?: string } {
  // A real kcp of one shard would never schedule it.
  return isReal ? {} : { shard: name };
}

async function principalOf(name: 'alice' | 'bob'): Promise<Principal> {
  const account = demoAccounts.find(({ email }) => email === `${name}@example.com`);
  if (account === undefined) throw new Error(`no account ${name}`);
  return createPrincipal({
    subject: name,
    issuer: running.issuer.issuerURL,
    username: account.email,
    token: await signTestToken(running.issuer, { account }),
    tokenHash: name,
    claimsHash: name,
    expiresAt: Date.now() / 1_000 + 600,
    scopes: [],
  });
}

/** As `kubectl get workspace ~` does; then a workspace in it. */
async function makeHome(): Promise<void> {
  await waitFor(
    'the home workspace',
    async () => (await running.statusOf('alice', `/clusters/root${WORKSPACES}/~`)) === 200,
    SOON,
  );
  const body = JSON.stringify({ apiVersion: 'tenancy.kcp.io/v1alpha1', kind: 'Workspace', metadata: { name: 'mine' } });
  const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body };
  const made = async () => [201, 409].includes(await running.statusOf('alice', `/clusters/${HOME}${WORKSPACES}`, init));
  await waitFor('a workspace in it', made, SOON);
  const entered = async () => (await running.statusOf('alice', `/clusters/${HOME}:mine/version`)) === 200;
  await waitFor('the workspace in it to be entered', entered, { ...SOON, deadlineMs: 60_000 });
}

/** A kubeconfig with a client certificate for this user, and what else an index is configured with. */
async function indexFiles(name: string): Promise<{ kubeconfig: string; ca: string }> {
  const { clientCA, caFile, shardCAFile, url } = running.kcp;
  if (clientCA === undefined) throw new Error('an index identity needs a kcp that we started');
  const dir = join(running.dir, name);
  await mkdir(dir, { recursive: true });
  const pair = await issueCertificate(clientCA, { dir, name: 'index', commonName: name });
  const base64 = async (file: string) => (await readFile(file)).toString('base64');
  const kubeconfig = {
    kind: 'Config',
    'current-context': 'index',
    contexts: [{ name: 'index', context: { cluster: 'kcp', user: 'index' } }],
    clusters: [{ name: 'kcp', cluster: { server: url, 'certificate-authority-data': await base64(caFile) } }],
    users: [
      {
        name: 'index',
        user: { 'client-certificate-data': await base64(pair.certFile), 'client-key-data': await base64(pair.keyFile) },
      },
    ],
  };
  await writeFile(join(dir, 'kubeconfig'), JSON.stringify(kubeconfig));
  return { kubeconfig: join(dir, 'kubeconfig'), ca: shardCAFile ?? caFile };
}

/** With the rights of config/kcp, as they are. */
async function grantIndex(): Promise<void> {
  const text = await readFile(join(repoRoot, 'config/kcp/index-identity.yaml'), 'utf8');
  for (const document of parseAllDocuments(text)) {
    const body = document.toJS() as { kind: string };
    await running.admin.request('root', `${RBAC}/${body.kind.toLowerCase()}s`, { method: 'POST', body });
  }
}

function inventory(options: { index?: WorkspaceIndex } = {}): Inventory {
  const made = createInventory({ kcp, root: 'root', maxAgeMs: 30_000, clock: Date.now, ...options });
  cleanups.push(() => {
    made.close();
  });
  return made;
}

const paths = ({ enterable }: CallerWorkspaces) => enterable.map(({ path }) => path);
const inOrder = (...names: string[]) =>
  names.toSorted((a, b) => (a.replaceAll(':', '\0') < b.replaceAll(':', '\0') ? -1 : 1));

describe('walking', () => {
  test('finds what can be reached: also a mounted workspace, and the caller’s home with what is in it', async () => {
    const found = await inventory().get(callers.alice);
    expect(paths(found)).toEqual(
      inOrder('root', 'root:acme', 'root:acme:edge', 'root:acme:team-a', HOME, `${HOME}:mine`),
    );
    expect(found).toMatchObject({ source: 'caller', gaps: [], user: 'alice@example.com' });
    expect(found.visible.map(({ path }) => path)).toEqual(['root:acme:secret-plan', 'root:shut']);
    const byPath = new Map(found.enterable.map((each) => [each.path, each]));
    expect(byPath.get(HOME)).toMatchObject({ type: 'root:home', cluster: HOME });
    expect(byPath.get('root:acme:team-a')).toMatchObject({
      cluster: running.kcp.workspaces['root:acme:team-a']?.cluster,
      type: 'root:universal',
      phase: 'Ready',
    });
    expect(byPath.get('root:acme:edge')).toMatchObject({ mounted: true, cluster: undefined });
  });

  test('whoever has no home is not given one by being looked for', async () => {
    const found = await inventory().get(callers.bob);
    expect(paths(found)).toEqual(['root']);
    expect(await running.statusOf('bob', `/clusters/${homeClusterOf('bob@example.com')}/version`)).toBe(403);
  });

  test('a burst of calls makes one walk', async () => {
    const count = async (calls: number) => {
      const before = requests;
      const shared = inventory();
      await Promise.all(Array.from({ length: calls }, () => shared.get(callers.bob)));
      return requests - before;
    };
    expect(await count(30)).toBeLessThanOrEqual((await count(1)) + 1);
  });

  test('a warm call asks nothing', async () => {
    const warm = inventory();
    const found = await warm.get(callers.alice);
    const before = requests;
    expect(await warm.get(callers.alice)).toBe(found);
    expect(requests).toBe(before);
  });
});

describe('the index', () => {
  test('shows each caller all that they may enter, and no name of anything else', async () => {
    const found = await inventory({ index }).get(callers.alice);
    expect(paths(found)).toEqual(
      inOrder('root', 'root:acme', 'root:acme:edge', 'root:acme:team-a', 'root:shut:hidden-gem', HOME, `${HOME}:mine`),
    );
    expect(found).toMatchObject({ source: 'index', visible: [], gaps: [], user: 'alice@example.com' });
    expect(JSON.stringify(found)).not.toContain('secret-plan');
    const bobs = await inventory({ index }).get(callers.bob);
    expect(paths(bobs)).toEqual(['root']);
    expect(JSON.stringify(bobs)).not.toMatch(/acme|shut|hidden-gem|mine/);
  });

  test('finds the same of each workspace as a walk does', async () => {
    const [walked, indexed] = await Promise.all([
      inventory().get(callers.alice),
      inventory({ index }).get(callers.alice),
    ]);
    const known = new Map(indexed.enterable.map((each) => [each.path, each]));
    for (const workspace of walked.enterable) expect(known.get(workspace.path)).toEqual(workspace);
  });

  test('follows workspaces that come and go, on every shard, and rights that are given', async () => {
    const indexed = inventory({ index });
    expect(paths(await indexed.get(callers.bob))).toEqual(['root']);
    const { admin } = running;
    const body = { apiVersion: 'tenancy.kcp.io/v1alpha1', kind: 'Workspace', metadata: { name: 'fresh' } };
    await admin.request('root:acme', WORKSPACES, { method: 'POST', body });
    const subjects = [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'bob@example.com' }];
    const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'bob' };
    const rules = [{ nonResourceURLs: ['/'], verbs: ['access'] }];
    const metadata = { name: 'bob' };
    const grant = (kind: string, more: object) =>
      waitFor(`a ${kind}`, () => admin.request('root:acme:fresh', `${RBAC}/${kind}`, { method: 'POST', body: { metadata, ...more } }), { ...SOON, deadlineMs: 60_000 }); // prettier-ignore
    await grant('clusterroles', { rules });
    await grant('clusterrolebindings', { roleRef, subjects });
    const found = async () => {
      indexed.forget(callers.bob);
      return paths(await indexed.get(callers.bob)).join();
    };
    await waitFor('bob to find it', async () => (await found()) === 'root,root:acme:fresh', SOON);
    // What a refusal says of a workspace that he may not enter is the same as that of one that there isn't.
    await admin.request('root:acme', `${WORKSPACES}/fresh`, { method: 'DELETE' });
    await waitFor('it to be gone', async () => (await found()) === 'root', { ...SOON, deadlineMs: 60_000 });
  }, 180_000);

  test('without its rights is not used, and says so', async () => {
    const { kubeconfig, ca } = await indexFiles('somebody-else');
    const barred = await createWorkspaceIndex({ kubeconfigFile: kubeconfig, caFile: ca, log: logged.log });
    cleanups.push(() => barred.close());
    const reason = 'its identity may not read the list of shards';
    await waitFor('the refusal', () => barred.problem() === reason, SOON);
    const found = await inventory({ index: barred }).get(callers.alice);
    expect(found).toMatchObject({ source: 'caller', fallback: reason });
    expect(paths(found)).not.toContain('root:shut:hidden-gem');
    expect(logged.text()).toContain('User \\"somebody-else\\"');
  });

  standInOnly('without the CA of a shard at another address is not used', async () => {
    const blind = await createWorkspaceIndex({ kubeconfigFile: files.kubeconfig, log: logged.log });
    cleanups.push(() => blind.close());
    await waitFor('the problem', () => blind.problem() === "one of 2 shards can't be reached", SOON);
    await blind.close();
  });

  // Last: what it asked for is in the log of requests when it is closed.
  standInOnly(
    'was one LIST and one WATCH of each shard, by its own identity, which asked for nothing else',
    async () => {
      await index.close();
      const mine = async () => {
        const text = await readFile(running.kcp.requestLog, 'utf8');
        const entries = text.trimEnd().split('\n').map((line) => JSON.parse(line) as LogEntry); // prettier-ignore
        return entries.filter((each) => each.user === 'kcp-mcp-index');
      };
      const watches = (entries: LogEntry[]) => entries.filter(({ query = '' }) => query.includes('watch=true'));
      // The index without the CA of the other shard had the first one's, too.
      const entries = await waitFor(
        'the log',
        async () => {
          const found = await mine();
          return watches(found).length >= 5 ? found : undefined;
        },
        SOON,
      );
      expect(entries.every(({ method, status }) => method === 'GET' && status === 200)).toBe(true);
      const wildcard = '/services/apiexport/root/tenancy.kcp.io/clusters/*/apis/tenancy.kcp.io/v1alpha1/workspaces';
      expect(new Set(entries.map(({ path }) => path))).toEqual(
        new Set([wildcard, '/clusters/root/apis/apis.kcp.io/v1alpha1/apiexportendpointslices']),
      );
      const second = entries.filter((each) => each.shard === 'shard-1');
      expect(second.map(({ query = '' }) => query.includes('watch=true')).sort()).toEqual([false, true]);
    },
  );
});
