import { afterAll, expect, test } from '@jest/globals';
import { waitFor } from '../lib/wait.ts';
import { condition, host, mcpAs, state } from './support.ts';

const { namespace, name } = state.server;
const POD = `app.kubernetes.io/instance=${name}`;

const setIssuer = (issuerURL: string): Promise<string> =>
  host.run([
    ...['patch', 'kcpmcpserver', name, '-n', namespace, '--type=merge', '-p'],
    JSON.stringify({ spec: { auth: { oidc: { issuerURL } } } }),
  ]);

interface Pods {
  items: {
    metadata: { name: string; deletionTimestamp?: string };
    status: { conditions?: { type: string; status: string }[] };
  }[];
}

/** Without those that an earlier change of the Deployment is still taking away. */
async function readyPods(): Promise<string[]> {
  const { items } = await host.get<Pods>('pods', '-n', namespace, '-l', POD);
  const isReady = ({ metadata, status }: Pods['items'][number]): boolean =>
    metadata.deletionTimestamp === undefined &&
    (status.conditions?.some((each) => each.type === 'Ready' && each.status === 'True') ?? false);
  return items.filter(isReady).map(({ metadata }) => metadata.name);
}

afterAll(async () => {
  await setIssuer(state.issuer.issuerURL);
  await condition(name, 'Ready', { status: 'True' });
});

test('a wrong issuer that a server is given takes nothing down: its Pods serve with the keys that they have', async () => {
  await condition(name, 'Ready', { status: 'True' });
  const pod = await waitFor(
    'one Pod',
    async () => {
      const [only, ...others] = await readyPods();
      return others.length === 0 ? only : undefined;
    },
    { deadlineMs: 60_000, intervalMs: 500 },
  );
  const wrong = `${state.issuer.issuerURL}/realms/none`;
  await setIssuer(wrong);
  const { message } = await condition(name, 'OIDCReady', { status: 'Unknown', reason: 'DiscoveryFailed' });
  expect(message).toContain(wrong);
  expect(message).toContain('The Pods that are ready go on with the keys they have');
  await waitFor(
    'the Pod to be told of the other issuer',
    async () => (await host.run(['logs', pod, '-n', namespace])).includes('authorization_url'),
    { deadlineMs: 90_000, intervalMs: 500 },
  );
  expect(await readyPods()).toContain(pod);
  const client = await mcpAs('alice');
  expect(await client.listTools()).not.toEqual([]);
  await client.close();
}, 180_000);
