import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { waitFor } from '../../../e2e/lib/wait.ts';
import { startTestApp, type TestApp } from '../testing/app.ts';
import { startTestIssuer, type TestIssuer } from '../testing/issuer.ts';
import { createMemo, type Question } from './memo.ts';

const META = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
  'io.modelcontextprotocol/clientCapabilities': {},
};

describe('over HTTP', () => {
  let provider: TestIssuer;
  let app: TestApp;
  let authorization: string;
  beforeAll(async () => {
    provider = await startTestIssuer();
  });
  afterAll(() => provider.close());
  afterEach(() => app.close());

  async function ask(id: string | number, method: string, { modern = false, headers = {} } = {}) {
    const era: Record<string, string> = modern
      ? { 'mcp-protocol-version': '2026-07-28', 'mcp-method': method }
      : { 'mcp-protocol-version': '2025-11-25' };
    const params = modern ? { _meta: META } : {};
    const answer = await app.post({ jsonrpc: '2.0', id, method, params }, { authorization, ...era, ...headers });
    const sent = Object.fromEntries(
      [...answer.headers].filter(([name]) => !/^(date|content-length|transfer-)/.test(name)),
    );
    return { status: answer.status, headers: sent, text: await answer.text() };
  }

  async function start() {
    app = await startTestApp(provider);
    await waitFor('the keys', () => app.issuer.ready(), { deadlineMs: 5_000, intervalMs: 5 });
    authorization = `Bearer ${await provider.sign()}`;
  }

  test.each([
    ['tools/list', false],
    ['tools/list', true],
    ['prompts/list', false],
    ['prompts/list', true],
    ['server/discover', true],
  ])('%s is answered the same each time, but for the id (2026-07-28: %s)', async (method, modern) => {
    await start();
    const first = await ask(1, method, { modern });
    expect(first.status).toBe(200);
    for (const id of [2, -7, 'a "quoted" $& id', '']) {
      const again = await ask(id, method, { modern });
      expect(again).toEqual({ ...first, text: first.text.replace('"id":1', () => `"id":${JSON.stringify(id)}`) });
    }
  });

  test('each asks in an own way, and gets an own answer', async () => {
    await start();
    await ask(1, 'tools/list');
    expect(await ask(1, 'tools/list', { headers: { accept: 'text/html' } })).toMatchObject({ status: 406 });
    expect(await ask(1, 'tools/list', { headers: { 'mcp-protocol-version': '1999-01-01' } })).toMatchObject({
      status: 400,
    });
    expect(await ask(1, 'tools/list')).toMatchObject({ status: 200 });
    expect(await ask(1, 'tools/list', { headers: { authorization: 'Bearer x' } })).toMatchObject({ status: 401 });
  });
});

describe('what is remembered', () => {
  const post = { method: 'POST', headers: {} };
  const list = (id: unknown, more = {}) => ({ jsonrpc: '2.0', id, method: 'tools/list', ...more });
  const whole = ({ body }: Question) => ({
    status: 200,
    headers: {},
    text: JSON.stringify({ id: body['id'], result: {} }),
  });

  function bench() {
    const state = { version: {} };
    const memo = createMemo(() => state.version);
    const question = (body: unknown) => memo.questionOf(post, body);
    const learn = (body: unknown) => {
      const asked = question(body);
      return asked && memo.keep(asked, whole(asked));
    };
    const knows = (body: unknown) => {
      const asked = question(body);
      return asked !== undefined && memo.get(asked) !== undefined;
    };
    return { state, memo, question, learn, knows };
  }

  test('the answer to the same question, with any id', () => {
    const { learn, knows } = bench();
    expect(learn(list(1))).toBe('{"id":1,"result":{}}');
    expect(knows(list('two'))).toBe(true);
    expect(knows(list(1, { params: { cursor: 'x' } }))).toBe(false);
  });

  test.each([
    ['a call', { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'probe' } }],
    ['a notification', { jsonrpc: '2.0', method: 'tools/list' }],
    ['an id that is none', list(1.5)],
    ['a batch', [list(1)]],
    ['nothing', undefined],
    ['a long question', list(1, { params: { cursor: 'x'.repeat(10_000) } })],
  ])('not %s', (_, body) => {
    expect(bench().question(body)).toBeUndefined();
  });

  test('no failure, and no answer without the id or with two', () => {
    const { memo, question, knows } = bench();
    const asked = question(list(1)) as Question;
    memo.keep(asked, { ...whole(asked), status: 400 });
    memo.keep(asked, { status: 200, headers: {}, text: '{"id":null}' });
    expect(memo.keep(asked, { status: 200, headers: {}, text: `${whole(asked).text}${whole(asked).text}` })).toBe(
      '{"id":1,"result":{}}{"id":1,"result":{}}',
    );
    expect(knows(list(1))).toBe(false);
  });

  test('nothing of before a change, nor what was asked before it and answered after', () => {
    const { state, memo, question, learn, knows } = bench();
    learn(list(1));
    const asked = question(list(1)) as Question;
    state.version = {};
    expect(knows(list(1))).toBe(false);
    memo.keep(asked, whole(asked));
    expect(knows(list(1))).toBe(false);
    learn(list(1));
    expect(knows(list(1))).toBe(true);
  });

  test('not more than a few', () => {
    const { learn, knows } = bench();
    const other = (number: number) => list(1, { params: { cursor: String(number) } });
    for (let number = 0; number < 100; number += 1) {
      learn(other(number));
      expect(knows(other(0))).toBe(true);
    }
    expect(Array.from({ length: 100 }, (_, number) => number).filter((number) => knows(other(number)))).toHaveLength(
      16,
    );
  });
});
