import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { waitFor } from '../../e2e/lib/wait.ts';
import { Questions, type Verdict } from './interaction.ts';
import { loadSealingKey } from './seal.ts';
import { recorded, startFakeKcp } from './testing/fake-kcp.ts';
import { createBench } from './testing/toolset.ts';
import { startTestApp, type Probe, type TestApp } from './testing/app.ts';
import { startTestIssuer, type TestIssuer } from './testing/issuer.ts';

// A call that asks its user, over HTTP: the client carries what was settled from one replica to the other.

let provider: TestIssuer;
let replicas: TestApp[];
let verdicts: Verdict[];

/** Asks two questions, one after the other, and says what came of them. */
const probe: Probe = (args, context) => {
  const questions = new Questions(context.interaction, { tool: 'probe', args });
  try {
    verdicts = [];
    for (const id of ['first', 'second']) {
      if (verdicts.includes('declined')) break;
      verdicts.push(questions.ask({ id, message: `Do the ${id} thing?`, ...(id === 'second' && { type: 'yes' }) }));
    }
    return Promise.resolve({ content: [{ type: 'text', text: verdicts.join(', ') }] });
  } catch (needed) {
    return Promise.resolve(needed as Awaited<ReturnType<Probe>>);
  }
};

beforeAll(async () => {
  provider = await startTestIssuer();
});
afterAll(() => provider.close());
beforeEach(async () => {
  const key = randomBytes(32);
  replicas = await Promise.all([
    startTestApp(provider, {}, key),
    startTestApp(provider, {}, key),
    startTestApp(provider),
  ]);
  for (const replica of replicas) {
    replica.probe = probe;
    await waitFor('the keys', () => replica.issuer.ready(), { deadlineMs: 5_000, intervalMs: 5 });
  }
});
afterEach(() => Promise.all(replicas.map((replica) => replica.close())));

interface Asked {
  message: string;
  requestedSchema: { properties: object };
}

/** A client whose requests go to the replicas in turn, and whose user answers as told. */
async function connect(
  token: string,
  replicaOf: (request: number) => number,
  answer: ((asked: Asked) => { action: 'accept' | 'decline'; content?: Record<string, string> }) | undefined,
): Promise<{ client: Client; asked: Asked[] }> {
  const asked: Asked[] = [];
  let requests = 0;
  const client = new Client(
    { name: 'test', version: '1' },
    {
      versionNegotiation: { mode: { pin: '2026-07-28' } },
      capabilities: answer === undefined ? {} : { elicitation: { form: {} } },
    },
  );
  if (answer !== undefined) {
    client.setRequestHandler('elicitation/create', ({ params }) => {
      const question = params as unknown as Asked;
      asked.push(question);
      return answer(question);
    });
  }
  const fetchFromReplica = (url: string | URL, init?: RequestInit) => {
    const target = replicas[replicaOf(requests++)];
    return fetch(new URL(new URL(url).pathname, target?.url), init);
  };
  const requestInit = { headers: { authorization: `Bearer ${token}` } };
  const transport = new StreamableHTTPClientTransport(new URL(`${replicas[0]?.url ?? ''}/mcp`), {
    fetch: fetchFromReplica,
    requestInit,
  });
  await client.connect(transport);
  return { client, asked };
}

const call = async (client: Client, args: Record<string, unknown> = { workspace: 'root' }) => {
  const { content } = await client.callTool({ name: 'probe', arguments: args });
  const [first] = content;
  return first?.type === 'text' ? first.text : '';
};

describe('a client that can ask its user', () => {
  test('carries what was settled from replica to replica, until all is', async () => {
    const { client, asked } = await connect(
      await provider.sign(),
      (request) => request % 2,
      ({ requestedSchema }) =>
        'confirm' in requestedSchema.properties
          ? { action: 'accept', content: { confirm: 'yes' } }
          : { action: 'accept', content: {} },
    );
    expect(await call(client)).toBe('confirmed, confirmed');
    expect(asked.map(({ message }) => message)).toEqual(['Do the first thing?', 'Do the second thing?']);
    expect(asked[1]?.requestedSchema).toMatchObject({
      properties: { confirm: { type: 'string', title: 'Type yes to confirm' } },
    });
    await client.close();
  });

  test('has a workspace deleted by one replica, after the yes to another', async () => {
    const fake = await startFakeKcp();
    const bench = createBench(fake);
    const deleted: string[] = [];
    fake.handlers.push(({ method, workspace, path }) => {
      if (method !== 'DELETE') return undefined;
      deleted.push(`${workspace}${path}`);
      return { body: recorded('workspace-delete') };
    });
    for (const replica of replicas) {
      replica.probe = (args, { interaction }) => bench.round('kcp_workspace_delete', args, interaction);
    }
    const { client, asked } = await connect(
      await provider.sign(),
      (request) => request % 2,
      () => ({ action: 'accept', content: { confirm: 'acme' } }),
    );
    expect(await call(client, { workspace: 'root:acme' })).toBe('Workspace root:acme is being deleted.');
    expect(asked.map(({ message }) => message)).toEqual([expect.stringContaining('Delete workspace root:acme')]);
    expect(deleted).toEqual(['root/apis/tenancy.kcp.io/v1alpha1/workspaces/acme']);
    await client.close();
    await bench.kcp.close();
    await fake.stop();
  });

  test('a no is a no, and so is another word than the one asked for', async () => {
    const no = await connect(
      await provider.sign(),
      () => 0,
      () => ({ action: 'decline' }),
    );
    expect(await call(no.client)).toBe('declined');
    const typo = await connect(
      await provider.sign(),
      () => 0,
      ({ requestedSchema }) => ({
        action: 'accept',
        content: 'confirm' in requestedSchema.properties ? { confirm: 'yse' } : {},
      }),
    );
    expect(await call(typo.client)).toBe('confirmed, mistyped');
    await no.client.close();
    await typo.client.close();
  });

  test('a replica that has not the key refuses the state, and says no more than that', async () => {
    const { client } = await connect(
      await provider.sign(),
      // Discovery and the first round at one that shares its key, the second round at the one that doesn't.
      (request) => (request < 2 ? 0 : 2),
      () => ({ action: 'accept', content: {} }),
    );
    await expect(call(client)).rejects.toMatchObject({
      code: -32_602,
      message: expect.stringContaining('requestState') as unknown,
    });
    await client.close();
  });

  test('the state of one caller is none of another’s', async () => {
    const post = async (token: string, params: object) => {
      const response = await replicas[0]?.post(
        {
          jsonrpc: '2.0',
          id: 1,
          method: 'tools/call',
          params: {
            name: 'probe',
            arguments: {},
            ...params,
            _meta: {
              'io.modelcontextprotocol/protocolVersion': '2026-07-28',
              'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
              'io.modelcontextprotocol/clientCapabilities': { elicitation: { form: {} } },
            },
          },
        },
        {
          authorization: `Bearer ${token}`,
          'mcp-protocol-version': '2026-07-28',
          'mcp-method': 'tools/call',
          'mcp-name': 'probe',
        },
      );
      return (await response?.json()) as {
        result?: { requestState: string; resultType: string };
        error?: { code: number };
      };
    };
    const alice = await provider.sign();
    const asked = await post(alice, {});
    expect(asked.result?.resultType).toBe('input_required');
    const answer = {
      requestState: asked.result?.requestState,
      inputResponses: { confirmation: { action: 'accept', content: {} } },
    };
    expect((await post(await provider.sign({ sub: 'bob-id' }), answer)).error?.code).toBe(-32_602);
    // With her next token it still is hers.
    expect((await post(await provider.sign({ jti: 'another' }), answer)).result?.resultType).toBe('input_required');
    expect(verdicts).toEqual(['confirmed']);
  });
});

test('a client that can not ask is never asked', async () => {
  const { client } = await connect(await provider.sign(), () => 0, undefined);
  expect(await call(client)).toBe('cannot ask, cannot ask');
  await client.close();
});

describe('the sealing key', () => {
  test('comes from the TLS key, however that is written, or from a file of its own', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'seal-'));
    const { generateKeyPairSync } = await import('node:crypto');
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const pem = (type: 'sec1' | 'pkcs8') => ({ key: Buffer.from(privateKey.export({ type, format: 'pem' })) });
    const one = await loadSealingKey(undefined, pem('sec1'));
    expect(await loadSealingKey(undefined, pem('pkcs8'))).toEqual(one);
    const file = join(dir, 'key');
    await writeFile(file, 'too short');
    await expect(loadSealingKey(file, pem('sec1'))).rejects.toThrow(
      `${file} (toolset_configs.kcp.state_key_file) holds 9 bytes; it must hold at least 32 random ones`,
    );
    await writeFile(file, randomBytes(32));
    const own = await loadSealingKey(file, pem('sec1'));
    expect(own).not.toEqual(one);
    expect(await loadSealingKey(file, undefined)).toEqual(own);
    await rm(dir, { recursive: true });
  });
});
