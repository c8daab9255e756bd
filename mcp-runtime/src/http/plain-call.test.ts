import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { waitFor } from '../../../e2e/lib/wait.ts';
import { startTestApp, type TestApp } from '../testing/app.ts';
import { startTestIssuer, type TestIssuer } from '../testing/issuer.ts';
import { plainCallOf } from './plain-call.ts';

const SOON = { deadlineMs: 5_000, intervalMs: 5 };
const call = (args: object = {}, id: unknown = 1, _meta?: object) => ({
  jsonrpc: '2.0',
  id,
  method: 'tools/call',
  params: { name: 'probe', arguments: args, ...(_meta && { _meta }) },
});

describe('over HTTP', () => {
  let provider: TestIssuer;
  let app: TestApp;
  let headers: Record<string, string>;
  beforeAll(async () => {
    provider = await startTestIssuer();
  });
  afterAll(() => provider.close());
  beforeEach(async () => {
    app = await startTestApp(provider);
    await waitFor('the keys', () => app.issuer.ready(), SOON);
    headers = { authorization: `Bearer ${await provider.sign()}`, 'mcp-protocol-version': '2025-11-25' };
  });
  afterEach(() => app.close());

  const text = (said: string) => ({ content: [{ type: 'text' as const, text: said }] });
  /** A probe that answers when it is told to. */
  function held() {
    const answers = new Map<string, () => void>();
    app.probe = (args) =>
      new Promise((resolve) => {
        const { name } = args as { name: string };
        answers.set(name, () => {
          resolve(text(`to ${name}`));
        });
      });
    const isUnderWay = (name: string) => waitFor(`the call of ${name}`, () => answers.has(name), SOON);
    return { isUnderWay, answer: (name: string) => answers.get(name)?.() };
  }
  const events = (stream: string) =>
    stream
      .split('\n\n')
      .filter((event) => event.startsWith('event: message'))
      .map((event) => JSON.parse(event.replace(/^event: message\ndata: /, '')) as unknown);

  test('a soon answer is JSON, in one piece', async () => {
    const answer = await app.post(call({}, 'mine'), headers);
    expect(answer.headers.get('content-type')).toBe('application/json');
    expect(Number(answer.headers.get('content-length'))).toBeGreaterThan(0);
    expect(await answer.json()).toEqual({ jsonrpc: '2.0', id: 'mine', result: text('done') });
  });

  test('a slow answer comes on a stream, that is there before', async () => {
    const { answer } = held();
    const response = await app.post(call({ name: 'slow' }, 7), headers);
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    answer('slow');
    expect(events(await response.text())).toEqual([{ jsonrpc: '2.0', id: 7, result: text('to slow') }]);
  });

  test('progress comes before the answer, under the token of the caller', async () => {
    app.probe = (_, context) => {
      context.progress({ done: 1, total: 2, message: 'half' });
      return Promise.resolve(text('all'));
    };
    const response = await app.post(call({}, 1, { progressToken: 'mine' }), headers);
    expect(events(await response.text())).toEqual([
      {
        jsonrpc: '2.0',
        method: 'notifications/progress',
        params: { progressToken: 'mine', progress: 1, total: 2, message: 'half' },
      },
      { jsonrpc: '2.0', id: 1, result: text('all') },
    ]);
  });

  test('calls under the same id, of one caller or of several, get their own answers', async () => {
    const { isUnderWay, answer } = held();
    const names = Array.from({ length: 20 }, (_, index) => `caller-${index}`);
    const answers = names.map(async (name) => {
      const authorization = `Bearer ${await provider.sign({ sub: name })}`;
      return (await app.post(call({ name }), { ...headers, authorization })).json();
    });
    for (const name of names) await isUnderWay(name);
    for (const name of names.toReversed()) answer(name);
    expect(await Promise.all(answers)).toEqual(
      names.map((name) => ({ jsonrpc: '2.0', id: 1, result: text(`to ${name}`) })),
    );
  });

  test('each is its own caller', async () => {
    app.probe = (_, { principal }) => Promise.resolve(text(principal.subject));
    for (const sub of ['ann', 'ben']) {
      const authorization = `Bearer ${await provider.sign({ sub })}`;
      expect(await (await app.post(call(), { ...headers, authorization })).json()).toMatchObject({ result: text(sub) });
    }
  });

  test('one that goes away ends its own call only', async () => {
    const { isUnderWay, answer } = held();
    const gone = new AbortController();
    const leaving = fetch(`${app.url}/mcp`, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
      body: JSON.stringify(call({ name: 'leaving' })),
      signal: gone.signal,
    });
    const staying = app.post(call({ name: 'staying' }), headers);
    await isUnderWay('leaving');
    await isUnderWay('staying');
    gone.abort();
    await expect(leaving).rejects.toThrow();
    const cancelled = () => app.logged.lines.some((line) => line['log'] === 'audit' && line['result'] === 'cancelled');
    await waitFor('the call to be cancelled', cancelled, SOON);
    answer('staying');
    expect(await (await staying).json()).toMatchObject({ result: text('to staying') });
  });

  test('a call is under way until its answer is taken', async () => {
    app.probe = () => Promise.resolve(text('x'.repeat(16 * 1024 * 1024)));
    const response = await app.post(call(), headers);
    let idle = false;
    const all = app.app.idle().then(() => {
      idle = true;
    });
    // A request after it: what was to happen at once has happened.
    expect((await fetch(`${app.url}/healthz`)).status).toBe(200);
    expect(idle).toBe(false);
    await response.text();
    await all;
  });

  test('failures of a call and of its form are told as by the handler', async () => {
    const failures = [
      { ...call(), params: { name: 'nothing' } },
      { ...call(), params: { name: 7 } },
      { ...call(), params: { arguments: {} } },
    ];
    for (const message of failures) {
      const plain = (await (await app.post(message, headers)).json()) as object;
      // A header that makes no difference but that the handler serves it.
      const [handled] = events(await (await app.post(message, { ...headers, 'last-event-id': '1' })).text());
      expect(plain).toEqual(handled);
    }
  });
});

describe('what is plain', () => {
  const usual = {
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    'mcp-protocol-version': '2025-11-25',
  };
  const isPlain = (body: unknown, headers = {}, method = 'POST') =>
    plainCallOf({ method, headers: { ...usual, ...headers } }, body) !== undefined;

  test('a single call, with or without a progress token or a version', () => {
    expect(isPlain(call())).toBe(true);
    expect(isPlain(call({}, 'text'))).toBe(true);
    expect(isPlain(call({}, 1, { progressToken: 1 }))).toBe(true);
    expect(isPlain(call(), { 'mcp-protocol-version': undefined })).toBe(true);
  });

  test.each<[string, unknown, object?]>([
    ['another method', { ...call(), method: 'tools/list' }],
    ['a notification', { jsonrpc: '2.0', method: 'tools/call', params: { name: 'probe' } }],
    ['a batch', [call()]],
    ['another version of JSON-RPC', { ...call(), jsonrpc: '1.0' }],
    ['an id that is none', call({}, 1.5)],
    ['an id of null', call({}, null)],
    ['no parameters', { jsonrpc: '2.0', id: 1, method: 'tools/call' }],
    ['more members', { ...call(), more: 1 }],
    ['a progress token that is none', call({}, 1, { progressToken: {} })],
    ['a request of 2026-07-28', call({}, 1, { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' })],
    ['its headers', call(), { 'mcp-method': 'tools/call' }],
    ['its version', call(), { 'mcp-protocol-version': '2026-07-28' }],
    ['a session', call(), { 'mcp-session-id': 'x' }],
    ['a caller that wants no stream', call(), { accept: 'application/json' }],
    ['another type', call(), { 'content-type': 'text/plain' }],
  ])('not %s', (_, body, headers = {}) => {
    expect(isPlain(body, headers)).toBe(false);
  });
});
