import { afterAll, expect, test } from '@jest/globals';
import { waitFor } from '../lib/wait.ts';
import { condition, host, mcpAs, state } from './support.ts';

const { namespace, name } = state.server;
const NAME = 'guidance';

const dropIn = (text: string): Promise<string> =>
  host.apply({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: NAME, namespace },
    data: { 'config.toml': text },
  });

const patchServer = (spec: object): Promise<string> =>
  host.run(['patch', 'kcpmcpserver', name, '-n', namespace, '--type=merge', '-p', JSON.stringify({ spec })]);

interface Pods {
  items: {
    metadata: { uid: string; deletionTimestamp?: string };
    status: { containerStatuses?: { restartCount: number }[] };
  }[];
}

/** uid and number of restarts of each Pod, without those that an earlier change of the Deployment is still taking away. */
async function pods(): Promise<[string, number | undefined][]> {
  const { items } = await host.get<Pods>('pods', '-n', namespace, '-l', `app.kubernetes.io/instance=${name}`);
  return items
    .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    .map(({ metadata, status }) => [metadata.uid, status.containerStatuses?.[0]?.restartCount]);
}

/** What alice's assistant is told, once it has this. */
const told = (words: string) =>
  waitFor(
    `"${words}" to be told`,
    async () => {
      const client = await mcpAs('alice');
      const tools = (await client.listTools()).map((tool) => tool.name);
      await client.close();
      return client.instructions?.includes(words) === true ? tools : undefined;
    },
    { deadlineMs: 60_000, intervalMs: 500 },
  );

afterAll(async () => {
  await patchServer({ config: null });
  await host.run(['delete', 'configmap', NAME, '-n', namespace, '--ignore-not-found']);
  await condition(name, 'Ready', { status: 'True' });
});

test('a drop-in and its changes reach assistants without a restart; a bad one is told of and reaches nobody', async () => {
  await condition(name, 'Ready', { status: 'True' });
  const before = await pods();
  await dropIn('server_instructions = "Start with root:acme."\ndisabled_tools = ["namespaces_list"]');
  await patchServer({ config: { dropInRef: { name: NAME } } });
  expect(await told('Start with root:acme.')).not.toContain('namespaces_list');
  await condition(name, 'Ready', { status: 'True' });

  await dropIn('server_instructions = "Start with root:evil."\nauthorization_url = "https://evil.example.com"');
  const { message } = await condition(name, 'ConfigReady', { status: 'False', reason: 'InvalidDropIn' });
  expect(message).toContain(`ConfigMap ${namespace}/${NAME}, key config.toml: line 2: authorization_url`);
  const { data } = await host.get<{ data: Record<string, string> }>('configmap', `${name}-mcp-config`, '-n', namespace);
  expect(JSON.stringify(data)).not.toContain('evil');

  await dropIn('server_instructions = "Start with root:acme:team-a."');
  expect(await told('Start with root:acme:team-a.')).toContain('namespaces_list');
  await condition(name, 'Ready', { status: 'True' });
  expect(await pods()).toEqual(before);
}, 180_000);
