import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { SignJWT } from 'jose';
import { comparable, readRecordings } from '../../kcp/recorded.ts';
import type { Recording } from '../../kcp/recorded.ts';
import { demoTree } from '../../kcp/tree.ts';
import { trustingFetch } from '../../oidc/http.ts';
import type { TrustingFetch } from '../../oidc/http.ts';
import { placesOf } from './places.ts';
import { indexUser } from './serve.ts';
import { startSyntheticForTest } from './testing.ts';
import type { SyntheticForTest } from './testing.ts';
import { orgsAndTeams } from './tree.ts';

// The tree that the recordings were made in, as alice sees it.
const tree = {
  workspaces: demoTree.workspaces.map(({ path }) => path),
  closed: ['root:acme:team-b', 'root:globex', 'root:globex:team-x'],
};
const issuerURL = 'https://issuer.test';
/** What the benchmark's programs ask of kcp. */
const served = [
  'bad-token',
  'discovery-aggregated',
  'discovery-core-aggregated',
  'namespaces-list',
  'no-access-namespaces',
  'selfsubjectreview',
  'ssar-access-allowed',
  'unauthenticated',
  'version-access',
  'version-no-access',
  'wildcard-workspaces-forbidden',
  'workspace-get',
  'workspace-not-found',
  'workspaces-forbidden',
  'workspaces-list-root',
  'workspaces-list-root-acme',
  'workspaces-list-table',
];
const recordings = (await readRecordings()).filter(({ name }) => served.includes(name));

let kcp: SyntheticForTest;
let http: TrustingFetch;
beforeAll(async () => {
  kcp = await startSyntheticForTest(tree, issuerURL);
  http = await trustingFetch(kcp.caFile);
});
afterAll(async () => {
  await http.close();
  await kcp.stop();
});

async function tokenOf(email: string, expiresIn = 300): Promise<string> {
  const exp = Math.floor(Date.now() / 1000) + expiresIn;
  return new SignJWT({ email, iss: issuerURL, exp }).setProtectedHeader({ alg: 'HS256' }).sign(new Uint8Array(32));
}

async function ask(
  caller: Recording['caller'] | { token: string },
  path: string,
  init: RequestInit = {},
): Promise<Response> {
  const token =
    typeof caller === 'object' ? caller.token : caller === 'bad' ? 'bad' : await tokenOf(`${caller}@example.com`);
  const headers = new Headers(init.headers);
  if (caller !== 'none') headers.set('authorization', `Bearer ${token}`);
  return http.fetch(`${kcp.url}${path}`, { ...init, headers: Object.fromEntries(headers) });
}

describe('the synthetic kcp answers as recorded:', () => {
  const places = placesOf(tree, '');
  const workspaces = Object.fromEntries([...places.values()].map(({ path, cluster }) => [path, { path, cluster }]));

  test('every recording that counts is there', () => {
    expect(recordings.map(({ name }) => name).sort()).toEqual(served.toSorted());
  });

  test.each(recordings)('$name', async (recording) => {
    const { caller, path, method, accept, requestBody, response } = recording;
    const answer = await ask(caller, path, {
      method,
      headers: { ...(accept && { accept }), ...(requestBody ? { 'content-type': 'application/json' } : {}) },
      ...(requestBody ? { body: JSON.stringify(requestBody) } : {}),
    });
    expect(answer.status).toBe(response.status);
    expect(answer.headers.get('content-type')).toBe(response.contentType);
    const kcpThen = { url: kcp.url, workspaces };
    expect(comparable(recording, await answer.json(), kcpThen)).toEqual(comparable(recording, response.body, kcpThen));
  });
});

describe('the synthetic kcp', () => {
  test('knows a workspace by its id, too', async () => {
    const list = (await (await ask('alice', '/clusters/root/apis/tenancy.kcp.io/v1alpha1/workspaces')).json()) as {
      items: { spec: { cluster: string } }[];
    };
    const [acme] = list.items;
    const answer = await ask('alice', `/clusters/${acme?.spec.cluster ?? ''}/api/v1/namespaces/default/configmaps`);
    expect(await answer.json()).toMatchObject({ kind: 'ConfigMapList', items: [{ metadata: { name: 'settings' } }] });
  });

  test('serves tables with and without their objects', async () => {
    const path = '/clusters/root:acme/api/v1/namespaces/default/configmaps';
    const headers = { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json' };
    const [whole, bare] = await Promise.all(
      ['', '?includeObject=None'].map(async (query) => (await ask('alice', path + query, { headers })).json()),
    );
    expect(whole).toMatchObject({ kind: 'Table', rows: [{ cells: ['settings', 2, '18m'], object: { kind: 'PartialObjectMetadata' } }] }); // prettier-ignore
    expect(bare).toMatchObject({ kind: 'Table', rows: [{ cells: ['settings', 2, '18m'], object: null }] });
  });

  test('cuts lists into pages', async () => {
    const path = '/clusters/root/apis/tenancy.kcp.io/v1alpha1/workspaces?limit=1';
    type Page = { items: { metadata: { name: string } }[]; metadata: { continue: string } };
    const first = (await (await ask('alice', path)).json()) as Page;
    const second = (await (await ask('alice', `${path}&continue=${first.metadata.continue}`)).json()) as Page;
    expect([...first.items, ...second.items].map(({ metadata }) => metadata.name)).toEqual(['acme', 'globex']);
    expect(second.metadata.continue).toBe('');
  });

  test('tells the index alone which shards there are', async () => {
    const path = '/clusters/root/apis/apis.kcp.io/v1alpha1/apiexportendpointslices?fieldSelector=metadata.name';
    const answer = await ask({ token: await tokenOf(indexUser) }, path);
    const url = `${kcp.url}/services/apiexport/root/tenancy.kcp.io`;
    expect(await answer.json()).toMatchObject({ items: [{ status: { endpoints: [{ url }] } }] });
    expect((await ask('alice', path)).status).toBe(403);
  });

  test('lists the Workspaces of all workspaces for the index only', async () => {
    const path = '/services/apiexport/root/tenancy.kcp.io/clusters/*/apis/tenancy.kcp.io/v1alpha1/workspaces';
    const answer = await ask({ token: await tokenOf(indexUser) }, path);
    const { items } = (await answer.json()) as { items: unknown[] };
    expect(items).toHaveLength(tree.workspaces.length);
  });

  test('an expired token is nobody’s', async () => {
    const { status } = await ask({ token: await tokenOf('alice@example.com', -10) }, '/clusters/root/version');
    expect(status).toBe(401);
  });

  test('counts what reaches it', async () => {
    const before = { ...kcp.counts };
    await ask('alice', '/clusters/root/version');
    await ask('alice', '/clusters/root/api/v1');
    await ask('alice', '/clusters/root/apis?timeout=10s');
    await ask('alice', '/clusters/root/api/v1/namespaces');
    expect({ ...kcp.counts, handshakes: 0 }).toEqual({
      handshakes: 0,
      requests: before.requests + 4,
      probes: before.probes + 1,
      discovery: before.discovery + 2,
    });
  });
});

test('the usual tree has 1,000 workspaces below root, parents first', () => {
  const { workspaces } = orgsAndTeams(20, 49);
  expect(workspaces).toHaveLength(1000);
  expect(workspaces.slice(0, 2)).toEqual(['root:org-01', 'root:org-01:team-01']);
  expect(new Set(workspaces).size).toBe(1000);
});
