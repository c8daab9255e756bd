// What people do to the children, to the namespaces that they are in, and to what may be made there.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { waitFor } from '../../../e2e/lib/wait.ts';
import { CHILDREN, NAME, newCase, SOURCE, type Case, type Child } from '../reconcile/testing/case.ts';
import { startEnvironment, type Environment } from '../reconcile/testing/environment.ts';
import { newFrontProxyCase, type FrontProxyCase } from '../reconcile/testing/front-proxy.ts';
import { isWork, operatorRequests, type Audited } from './testing/audit.ts';
import { course, courseCRDs } from './testing/course.ts';
import { keepFigure, secondsSince } from './testing/figures.ts';
import { settled } from './testing/life.ts';

const SOON = { deadlineMs: 20_000, intervalMs: 20 };
const MORE_CHILDREN = [
  ['NetworkPolicy', 'mcp'],
  ['PodDisruptionBudget', 'mcp'],
  ['Ingress', 'mcp'],
  ['Secret', 'mcp-index'],
] as const;
const OTHER = { apiVersion: 'v1', kind: 'ConfigMap', name: 'other', uid: '00000000-0000-4000-8000-000000000000' };

let env: Environment;
beforeAll(async () => {
  env = await startEnvironment(await courseCRDs());
  await env.startOperator({ timings: {} });
}, 600_000);
afterAll(() => env.stop());

/** The operator's writes in a namespace, from a given time on. */
async function writesIn(namespace: string, since: string): Promise<Audited[]> {
  const requests = await operatorRequests(env.plane.auditLog);
  return requests
    .filter(isWork)
    .filter(({ objectRef }) => objectRef?.namespace === namespace && objectRef.resource !== 'events')
    .filter(({ requestReceivedTimestamp }) => requestReceivedTimestamp >= since);
}
const now = (): string => new Date().toISOString();
const refused = (code: number) => (each: Audited) => each.responseStatus?.code === code;

async function replaced(it: Case, kind: string, suffix: string, before: Child): Promise<Child> {
  return waitFor(
    `another ${kind}`,
    async () => {
      const child = await it.find(kind, `${NAME}-${suffix}`);
      return child?.metadata.uid === before.metadata.uid ? undefined : child;
    },
    SOON,
  );
}

describe.each([...CHILDREN, ...MORE_CHILDREN])('a %s %s', (kind, suffix) => {
  const name = `${NAME}-${suffix}`;
  let it: FrontProxyCase;
  beforeAll(async () => {
    shared ??= whole();
    it = await shared;
  }, 30_000);

  test('that is deleted comes back', async () => {
    const before = await it.child(kind, suffix);
    await it.remove(kind, name);
    const { metadata } = await replaced(it, kind, suffix, before);
    expect(metadata.labels).toEqual(before.metadata.labels);
    await settled(it);
  });

  test('whose labels are taken away gets them back, and stays the same object', async () => {
    const before = await it.child(kind, suffix);
    await it.patch(kind, name, { metadata: { labels: null } });
    const labelled = async () => {
      const { metadata } = await it.child(kind, suffix);
      return JSON.stringify(metadata.labels) === JSON.stringify(before.metadata.labels) ? metadata.uid : undefined;
    };
    expect(await waitFor('the labels', labelled, SOON)).toBe(before.metadata.uid);
  });

  test.each([
    ['whose owner is taken away', []],
    ['that another controls', [{ ...OTHER, controller: true }]],
  ])('%s is left alone and told of, until it is gone', async (_, ownerReferences) => {
    const before = await it.child(kind, suffix);
    const since = now();
    await it.patch(kind, name, { metadata: { ownerReferences } });
    const { message } = await it.condition('Ready', 'False', 'Conflict');
    expect(message).toMatch(`${kind} ${it.namespace}/${name} exists already`);
    const { metadata } = await it.child(kind, suffix);
    expect([metadata.uid, metadata.ownerReferences ?? []]).toEqual([before.metadata.uid, ownerReferences]);
    const writes = await writesIn(it.namespace, since);
    expect(writes.filter(({ requestURI }) => requestURI.startsWith(it.path(kind, name)))).toEqual([]);
    expect(writes.length).toBeLessThanOrEqual(3);

    await it.remove(kind, name);
    await replaced(it, kind, suffix, before);
    await settled(it);
  });
});

let shared: Promise<FrontProxyCase> | undefined;
/** One with every child. */
async function whole(): Promise<FrontProxyCase> {
  const it = await newFrontProxyCase(env);
  await it.createFrontProxy();
  await it.consent(it.namespace);
  await it.createServer(course.spec);
  await settled(it);
  return it;
}

test('an owner that is put back by hand is owner again', async () => {
  const it = await newCase(env);
  await it.becomeReady();
  const { metadata } = await it.child('Service', 'mcp');
  await it.patch('Service', `${NAME}-mcp`, { metadata: { ownerReferences: [], labels: null } });
  await it.condition('Ready', 'False', 'Conflict');
  await it.patch('Service', `${NAME}-mcp`, { metadata: { ownerReferences: metadata.ownerReferences } });
  await it.condition('Ready', 'True');
  expect((await it.child('Service', 'mcp')).metadata).toMatchObject({ uid: metadata.uid, labels: metadata.labels });
});

test('a quota that is used up: told, tried now and then, and over when there is room', async () => {
  const it = await newCase(env);
  await it.becomeReady();
  const quotas = `/api/v1/namespaces/${it.namespace}/resourcequotas`;
  await env.api.request(quotas, { method: 'POST', body: { metadata: { name: 'few' }, spec: { hard: SERVICES(0) } } });
  // What the quota controller would write.
  const allow = (count: number) =>
    env.api.request(`${quotas}/few/status`, {
      method: 'PATCH',
      contentType: 'application/merge-patch+json',
      body: { status: { hard: SERVICES(count), used: SERVICES(0) } },
    });
  await allow(0);
  const isInForce = () =>
    env.api
      .request(`/api/v1/namespaces/${it.namespace}/services?dryRun=All`, {
        method: 'POST',
        body: { metadata: { name: 'one-more' }, spec: { ports: [{ port: 443 }] } },
      })
      .then(
        () => false,
        (error: unknown) => String(error).includes('exceeded quota'),
      );
  await waitFor('the quota to be in force', isInForce, SOON);
  const since = now();
  await it.remove('Service', `${NAME}-mcp`);
  expect((await it.condition('Ready', 'False', 'Rejected')).message).toMatch(/exceeded quota: few.*count\/services=1/);
  const tries = async () => (await writesIn(it.namespace, since)).filter(refused(403)).length;
  await waitFor('some tries', async () => (await tries()) >= 4, SOON);
  await allow(1);
  const back = performance.now();
  await it.child('Service', 'mcp');
  await keepFigure({ id: 'quota', seconds: secondsSince(back), requests: await tries() });
  await it.condition('Ready', 'True');
}, 60_000);
const SERVICES = (count: number) => ({ 'count/services': String(count) });

describe('a namespace that is terminated', () => {
  const path = (namespace: string) => `/api/v1/namespaces/${namespace}`;
  const terminate = (namespace: string) => env.api.request(path(namespace), { method: 'DELETE' });
  /** What the namespace controller does once all is gone; then it may be made again. */
  async function renew(namespace: string): Promise<void> {
    const object = (await env.api.request(path(namespace))) as { spec: object };
    const body = { ...object, spec: { finalizers: [] } };
    await env.api.request(`${path(namespace)}/finalize`, { method: 'PUT', body });
    await env.api.request('/api/v1/namespaces', { method: 'POST', body: { metadata: { name: namespace } } });
  }

  test('with the KcpMcpServer in it: what is gone is not made again for ever, and a new one is as good as the first', async () => {
    const it = await newCase(env);
    await it.becomeReady();
    const since = now();
    await terminate(it.namespace);
    for (const [kind, suffix] of CHILDREN) await it.remove(kind, `${NAME}-${suffix}`);
    expect((await it.condition('Available', 'False', 'Rejected')).message).toMatch(/being terminated/);
    await it.remove('KcpMcpServer', NAME);
    // By the time that another is ready, all that was to be seen of this one has been.
    await (await newCase(env)).becomeReady();
    const writes = await writesIn(it.namespace, since);
    // Each of six deletions may bring a try for all that are missing, and a status; each refusal one more try.
    expect(writes.length).toBeLessThan(60);
    for (const [kind, suffix] of CHILDREN) expect(await it.find(kind, `${NAME}-${suffix}`)).toBeUndefined();

    await renew(it.namespace);
    const back = performance.now();
    await it.createServer();
    await it.issueCertificate();
    await it.runPods();
    await it.condition('Ready', 'True');
    await keepFigure({ id: 'namespace', seconds: secondsSince(back), requests: writes.length });
    expect((await writesIn(it.namespace, since)).filter(refused(403)).length).toBeLessThan(60);
  }, 60_000);

  test('with the source in it: told, what runs goes on, and a new source is taken', async () => {
    const it = await newCase(env);
    await it.becomeReady();
    const since = now();
    await terminate(it.source);
    await it.remove('Secret', SOURCE, it.source);
    await it.remove('Kubeconfig', SOURCE, it.source);
    const { message } = await it.condition('KubeconfigReady', 'False', 'NotFound');
    expect(message).toMatch(/goes on with the copy/);
    const writes = await writesIn(it.namespace, since);
    expect(writes.filter(({ objectRef }) => objectRef?.resource !== 'kcpmcpservers')).toEqual([]);
    expect(writes.length).toBeLessThanOrEqual(3);
    await renew(it.source);
    await it.createSource();
    await it.condition('Ready', 'True');
  }, 60_000);
});
