import { afterAll, expect, test } from '@jest/globals';
import { waitFor } from '../lib/wait.ts';
import { condition, host, state } from './support.ts';

const { namespace, name } = state.server;
const SOON = { deadlineMs: 60_000 };

interface Pod {
  metadata: { name: string; deletionTimestamp?: string };
  status: { conditions?: { type: string; status: string }[] };
}

const readyPods = async (): Promise<string[]> => {
  const { items } = await host.get<{ items: Pod[] }>(
    'pods',
    '-n',
    namespace,
    '-l',
    `app.kubernetes.io/instance=${name}`,
  );
  const ready = ({ status }: Pod) =>
    status.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True');
  return items.filter((pod) => !pod.metadata.deletionTimestamp && ready(pod)).map(({ metadata }) => metadata.name);
};

/** As `kubectl drain` does it. */
const evict = (pod: string) => {
  const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: pod, namespace } };
  const path = `/api/v1/namespaces/${namespace}/pods/${pod}/eviction`;
  return host.any(['create', '--raw', path, '-f', '-'], JSON.stringify(eviction));
};

const scale = (replicas: number) => host.run(['scale', `kcpmcp/${name}`, '-n', namespace, `--replicas=${replicas}`]);

/** The operator has made the budget, and its controller has counted the Pods. */
const oneMayGo = async (): Promise<boolean> => {
  const budget = await host.get<{ status?: { disruptionsAllowed?: number } }>('pdb', `${name}-mcp`, '-n', namespace);
  return budget.status?.disruptionsAllowed === 1;
};

afterAll(async () => {
  await scale(1);
  await condition(name, 'Ready', { status: 'True' });
});

test('of two Pods one is evicted, and the other not before there is another', async () => {
  await scale(2);
  const both = await waitFor(
    'two Pods',
    async () => ((await readyPods()).length === 2 ? readyPods() : undefined),
    SOON,
  );
  await waitFor('a budget that lets one go', oneMayGo, SOON);

  const [first = '', second = ''] = both;
  expect(await evict(first)).toMatchObject({ code: 0 });
  const refused = await evict(second);
  expect(refused.code).not.toBe(0);
  expect(refused.stderr).toContain('disruption budget');

  await waitFor('two Pods again', async () => (await readyPods()).length === 2, SOON);
  await waitFor('the next one to be let go', oneMayGo, SOON);
}, 120_000);
