// spec.config.dropInRef on a real API server: what of it reaches config.toml, what doesn't, and what is said of it.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { parse } from 'smol-toml';
import { waitFor } from '../../../e2e/lib/wait.ts';
import { newCase, type Case } from './testing/case.ts';
import { certManagerCRDs, CRDS, startEnvironment, type Environment } from './testing/environment.ts';

let env: Environment;

beforeAll(async () => {
  env = await startEnvironment([CRDS.ours, CRDS.kubeconfigs, await certManagerCRDs()]);
  await env.startOperator();
}, 600_000);

afterAll(() => env.stop());

const SOON = { deadlineMs: 10_000, intervalMs: 20 };
const spec = { config: { dropInRef: { name: 'more' } } };

const write = (it: Case, text: string) => it.apply('ConfigMap', 'more', { data: { 'config.toml': text } });

/** config.toml as soon as it has this. */
const becomes = (it: Case, expected: Record<string, unknown>) =>
  waitFor(
    JSON.stringify(expected),
    async () => {
      const { data } = await it.child('ConfigMap', 'mcp-config');
      const config = parse(data?.['config.toml'] ?? '');
      return Object.entries(expected).every(([key, value]) => config[key] === value) ? config : undefined;
    },
    SOON,
  );

const generationOfPods = async (it: Case) => (await it.child('Deployment', 'mcp')).metadata.generation;

async function becomeReady(text: string): Promise<Case> {
  const it = await newCase(env);
  await write(it, text);
  await it.createSource();
  await it.createServer(spec);
  await it.issueCertificate();
  await it.runPods();
  await it.condition('Ready', 'True');
  return it;
}

describe('a good drop-in', () => {
  test('is merged, and its changes follow without new Pods; nothing of it is mounted', async () => {
    const it = await becomeReady('server_instructions = "one"\ndisabled_tools = ["resources_delete"]');
    const { message } = await it.condition('ConfigReady', 'True', 'Rendered');
    expect(message).toBe(`config.toml is made from the spec and ConfigMap ${it.namespace}/more, key config.toml`);
    const config = await becomes(it, { server_instructions: 'one' });
    expect(config['disabled_tools']).toEqual(expect.arrayContaining(['resources_delete', 'pods_exec']));
    expect(config['oauth_audience']).toBe('platform-mesh');
    expect(JSON.stringify((await it.child('Deployment', 'mcp')).spec)).not.toContain('"more"');

    const pods = await generationOfPods(it);
    await write(it, 'server_instructions = "two"');
    await becomes(it, { server_instructions: 'two' });
    expect(await generationOfPods(it)).toBe(pods);
    await it.condition('Ready', 'True');
  }, 30_000);

  test('is gone when the spec names it no more', async () => {
    const it = await becomeReady('server_instructions = "one"');
    await it.createServer();
    await becomes(it, { server_instructions: undefined });
    expect(Object.keys((await it.child('ConfigMap', 'mcp-config')).data ?? {})).toEqual(['config.toml']);
    await it.condition('ConfigReady', 'True', 'Rendered');
  }, 30_000);
});

describe('a bad drop-in', () => {
  test('is told of, what runs goes on with the last good one, and the spec stays in force', async () => {
    const it = await becomeReady('server_instructions = "one"');
    const pods = await generationOfPods(it);
    await write(it, 'server_instructions = "two"\noauth_audience = "mine\\u001b[2J"');
    const { message } = await it.condition('ConfigReady', 'False', 'InvalidDropIn');
    expect(message).toContain(`ConfigMap ${it.namespace}/more, key config.toml: line 2: oauth_audience = "mine`);
    expect(message).toContain('set spec.auth.oidc.audience of the KcpMcpServer instead');
    expect(message).toMatch(/The server goes on with the last good one$/);
    // eslint-disable-next-line no-control-regex -- that it isn't there
    expect(message).not.toMatch(/\u001b/);
    expect((await it.condition('Ready', 'False', 'InvalidDropIn')).message).toBe(message);
    await it.condition('Available', 'True');
    await becomes(it, { server_instructions: 'one', oauth_audience: 'platform-mesh' });

    await it.createServer({ ...spec, tools: { readOnly: true } });
    await becomes(it, { server_instructions: 'one', read_only: true });

    await it.remove('ConfigMap', 'more');
    await it.condition('ConfigReady', 'False', 'NotFound');
    await becomes(it, { server_instructions: 'one', read_only: true });
    expect(await generationOfPods(it)).toBe(pods);

    await write(it, 'server_instructions = "three"');
    await it.condition('ConfigReady', 'True', 'Rendered');
    await becomes(it, { server_instructions: 'three', read_only: true });
    await it.condition('Ready', 'True');
  }, 30_000);

  test('cannot undo a gate of the spec', async () => {
    const it = await newCase(env);
    await write(it, 'read_only = false\n[[denied_resources]]\nkind = "Secret"');
    await it.createSource();
    await it.createServer({ ...spec, tools: { readOnly: true } });
    const { message } = await it.condition('ConfigReady', 'False', 'InvalidDropIn');
    expect(message).toContain('line 1: read_only = false: would undo spec.tools.readOnly');
  }, 30_000);

  test('does not keep a gate open that the spec closes later', async () => {
    const it = await becomeReady('read_only = false\nserver_instructions = "one"');
    await it.createServer({ ...spec, tools: { readOnly: true } });
    await it.condition('ConfigReady', 'False', 'InvalidDropIn');
    await becomes(it, { server_instructions: 'one', read_only: true });
  }, 30_000);

  test.each<[string, Record<string, string> | undefined, string, string]>([
    ['is missing', undefined, 'NotFound', 'more not found: create it with further TOML'],
    ['has no such key', { other: '' }, 'KeyMissing', 'more has no key config.toml'],
    ['is no TOML', { 'config.toml': 'a = ' }, 'InvalidDropIn', "line 1: isn't valid TOML"],
  ])(
    'that %s from the beginning: no Pods are started before it is mended',
    async (_, data, reason, says) => {
      const it = await newCase(env);
      if (data) await it.apply('ConfigMap', 'more', { data });
      await it.createSource();
      await it.createServer(spec);
      expect((await it.condition('ConfigReady', 'False', reason)).message).toContain(says);
      await it.condition('Reconciling', 'True', 'WaitingForReference');
      expect((await it.condition('Available', 'Unknown', 'WaitingForReference')).message).toContain('see ConfigReady');
      expect(await it.find('ConfigMap', 'vespucci-mcp-config')).toBeUndefined();
      expect(await it.find('Deployment', 'vespucci-mcp')).toBeUndefined();

      await write(it, 'log_level = 2');
      await it.condition('ConfigReady', 'True', 'Rendered');
      await it.issueCertificate();
      await it.runPods();
      await it.condition('Ready', 'True');
    },
    30_000,
  );
});
