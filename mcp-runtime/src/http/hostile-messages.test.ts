// JSON that is no JSON-RPC or no MCP, or that is and means harm, sent with a right token through TLS to the whole runtime.
import { describe, expect, test } from '@jest/globals';
import { CALL } from '../testing/runtime.ts';
import { useHostileBench } from '../testing/hostile.ts';

const bench = useHostileBench();

type Body = string | object;
const INVALID_REQUEST = '"code":-32600';
const METHOD_NOT_FOUND = '"code":-32601';
const INVALID_PARAMS = '"code":-32602';
const TEXT = JSON.stringify(CALL);
const LIST = { jsonrpc: '2.0', id: 1, method: 'tools/list' };
/** The call with other arguments, written as JSON. */
const withArguments = (json: string) => TEXT.replace('{"workspace":"root:acme"}', () => json);
const callOf = (params: object) => ({ ...CALL, params });

describe('not JSON-RPC', () => {
  const id = (value: unknown) => ({ ...LIST, id: value });
  const method = (value: unknown) => ({ ...LIST, method: value });
  const params = (value: unknown) => ({ ...LIST, params: value });
  test.each<[string, Body | string, number, string]>([
    ...[null, true, 7, 'text'].map((value): [string, string, number, string] => [JSON.stringify(value), JSON.stringify(value), 400, INVALID_REQUEST]), // prettier-ignore
    ['an object', {}, 400, INVALID_REQUEST],
    ['jsonrpc 1.0', { ...LIST, jsonrpc: '1.0' }, 400, INVALID_REQUEST],
    ['jsonrpc a number', { ...LIST, jsonrpc: 2 }, 400, INVALID_REQUEST],
    ['jsonrpc missing', { id: 1, method: 'tools/list' }, 400, INVALID_REQUEST],
    ['another member', { ...LIST, token: 'x' }, 400, INVALID_REQUEST],
    ...[null, true, {}, [1], 1.5].map((value): [string, object, number, string] => [`id ${JSON.stringify(value)}`, id(value), 400, INVALID_REQUEST]), // prettier-ignore
    ['id beyond all numbers', JSON.stringify(LIST).replace('"id":1', '"id":1e999'), 400, INVALID_REQUEST],
    ...[null, 7, {}, ['tools/list']].map((value): [string, object, number, string] => [`method ${JSON.stringify(value)}`, method(value), 400, INVALID_REQUEST]), // prettier-ignore
    ['no method', { jsonrpc: '2.0', id: 1 }, 400, INVALID_REQUEST],
    ...['', '__proto__', 'constructor', 'toString', 'tools/list/', 'TOOLS/LIST', 'tools/\u202elist\n', 'resources/read', 'logging/setLevel', 'sampling/createMessage', 'rpc.discover'].map((value): [string, object, number, string] => [`method ${JSON.stringify(value)}`, method(value), 200, METHOD_NOT_FOUND]), // prettier-ignore
    ...[null, 7, 'text', [], [{}]].map((value): [string, object, number, string] => [`params ${JSON.stringify(value)}`, params(value), 400, INVALID_REQUEST]), // prettier-ignore
    ['a result and an error', { jsonrpc: '2.0', id: 1, result: {}, error: {} }, 400, INVALID_REQUEST],
    ['tools/call without name', callOf({}), 200, INVALID_PARAMS],
    ...[null, 7, {}, ['namespaces_list']].map((name): [string, object, number, string] => [`name ${JSON.stringify(name)}`, callOf({ name }), 200, INVALID_PARAMS]), // prettier-ignore
    ...['', '__proto__', 'constructor', 'hasOwnProperty', 'namespaces_list ', 'NAMESPACES_LIST', '../namespaces_list', 'namespaces_list\0', '\u202enamespaces_list', 'a\n{"log":"audit"}\u2028b'].map((name): [string, object, number, string] => [`name ${JSON.stringify(name)}`, callOf({ name }), 200, 'Unknown tool: ']), // prettier-ignore
    ...[null, 'text', [], [CALL.params.arguments]].map((args): [string, object, number, string] => [`arguments ${JSON.stringify(args)}`, callOf({ ...CALL.params, arguments: args }), 200, INVALID_PARAMS]), // prettier-ignore
  ])('%s', async (_, body, status, says) => {
    await bench.expectAnswer(body, status, says);
  });

  test('the caller’s words stay one visible line in answers and log', async () => {
    const from = bench.runtime.logged.lines.length;
    const [, text] = await bench.post(callOf({ name: 'a\r\nb\u2028c\u202e\u0007{"log":"audit","user":"bob"}' }));
    expect(text).toContain('Unknown tool: a b c{');
    // One line each, or captureLog would have thrown.
    const lines = bench.runtime.logged.lines.slice(from);
    expect(lines.filter((line) => line['log'] === 'audit')).toEqual([
      expect.objectContaining({ user: 'alice@example.com', tool: 'abc{"log":"audit","user":"bob"}', result: 'error' }),
    ]);
  });
});

describe('a batch', () => {
  const lists = (length: number) => Array.from({ length }, (_, id) => ({ ...LIST, id }));
  test.each<[string, Body, number, string]>([
    ['of nothing', [], 400, 'empty JSON-RPC batch'],
    ['of 101', lists(101), 400, 'must not exceed 100 messages'],
    ['of 50,000', lists(25_000), 400, 'must not exceed 100 messages'],
    ['with something that is no message', [LIST, 1], 400, 'contains an invalid message'],
    ['in a batch', [[LIST]], 400, 'contains an invalid message'],
    ['with an initialize among others', [LIST, { ...LIST, id: 2, method: 'initialize', params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'a', version: '1' } } }], 400, 'Only one initialization request'], // prettier-ignore
  ])('%s', async (_, body, status, says) => {
    await bench.expectAnswer(body, status, says);
  });

  test('of 100 is answered whole', async () => {
    const [status, text] = await bench.post(lists(100));
    expect([status, text.match(/"tools":\[/g)?.length]).toEqual([200, 100]);
  });

  test('with one id twice comes to an end', async () => {
    const [status] = await bench.post([LIST, LIST]);
    expect(status).toBe(200);
  });

  test('of notifications and answers asks for nothing', async () => {
    const cancelled = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } };
    expect(await bench.post([cancelled, { jsonrpc: '2.0', id: 7, result: {} }])).toEqual([202, '']);
  });
});

describe('the protocol version and the headers that repeat the body (2026-07-28)', () => {
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
    'io.modelcontextprotocol/clientCapabilities': {},
  };
  const modern = callOf({ ...CALL.params, _meta });
  const meta = (fields: object) => callOf({ ...CALL.params, _meta: { ..._meta, ...fields } });
  const headers = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': 'namespaces_list' };
  const UNSUPPORTED = 'nsupported protocol version';

  test('agree', async () => {
    bench.letThrough();
    await bench.expectAnswer(modern, 200, 'kube-system', headers);
  });

  test.each<[string, object, Record<string, string>, string]>([
    ['an old version', LIST, { 'mcp-protocol-version': '1999-01-01' }, UNSUPPORTED],
    ['two versions', LIST, { 'mcp-protocol-version': '2025-11-25, 2025-06-18' }, UNSUPPORTED],
    ['no version at all', LIST, { 'mcp-protocol-version': 'latest' }, INVALID_PARAMS],
    ['a version of the future', meta({ 'io.modelcontextprotocol/protocolVersion': '2099-01-01' }), { ...headers, 'mcp-protocol-version': '2099-01-01' }, UNSUPPORTED], // prettier-ignore
    ['a version in the header only', CALL, headers, INVALID_PARAMS],
    ['a version in the body only', modern, {}, '-32020'],
    ['another version in the header', modern, { ...headers, 'mcp-protocol-version': '2025-11-25' }, '-32020'],
    ['another method in the header', modern, { ...headers, 'mcp-method': 'tools/list' }, '-32020'],
    ['a method in capitals', modern, { ...headers, 'mcp-method': 'TOOLS/CALL' }, '-32020'],
    ['another tool in the header', modern, { ...headers, 'mcp-name': 'kcp_workspaces_list' }, '-32020'],
    ['two tools in the header', modern, { ...headers, 'mcp-name': 'namespaces_list, namespaces_list' }, '-32020'],
    ['no tool in the header', modern, { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call' }, '-32020'],
    [
      'no method in the header',
      modern,
      { 'mcp-protocol-version': '2026-07-28', 'mcp-name': 'namespaces_list' },
      '-32020',
    ],
    ['a clientInfo that is none', meta({ 'io.modelcontextprotocol/clientInfo': 7 }), headers, INVALID_PARAMS],
    ['a batch', [modern], headers, INVALID_REQUEST],
  ])('%s', async (_, body, sent, says) => {
    await bench.expectAnswer(body, 400, says, sent);
  });

  test('a session that we never gave is of no account', async () => {
    const [status] = await bench.post(LIST, { 'mcp-session-id': '../../etc/passwd', 'last-event-id': '7' });
    expect(status).toBe(200);
  });
});

describe('names of Object.prototype', () => {
  const POLLUTED = '{"__proto__":{"workspace":"root:globex","polluted":1},"constructor":{"prototype":{"polluted":1}}}';
  const everywhere = TEXT.replace('"params":{', `"params":{"_meta":${POLLUTED},"__proto__":${POLLUTED},`);
  const nested = (json: string) => withArguments(`{"workspace":"root:acme","fieldSelector":${json}}`);

  test.each<[string, string, number, string]>([
    ['beside the method', TEXT.replace('{', '{"__proto__":{"method":"tools/list"},'), 400, INVALID_REQUEST],
    ['in the id', TEXT.replace('"id":1', '"id":{"__proto__":{"toString":"x"}}'), 400, INVALID_REQUEST],
    ['in params and _meta', everywhere, 200, 'kube-system'],
    ['in the progress token', TEXT.replace('"params":{', '"params":{"_meta":{"progressToken":{"__proto__":1}},'), 400, INVALID_REQUEST], // prettier-ignore
    ['in the arguments', withArguments('{"workspace":"root:acme","__proto__":{"workspace":"root:globex"}}'), 200, 'kube-system'], // prettier-ignore
    [
      'in the arguments, instead of them',
      withArguments('{"__proto__":{"workspace":"root:globex"}}'),
      200,
      'kube-system',
    ],
    ['constructor in the arguments', withArguments('{"constructor":{"prototype":{"workspace":"root:globex"}}}'), 200, 'Unrecognized key'], // prettier-ignore
    ['prototype in the arguments', withArguments('{"prototype":{"workspace":"root:globex"}}'), 200, 'Unrecognized key'],
    ['toString in the arguments', withArguments('{"toString":"x","valueOf":1}'), 200, 'Unrecognized keys'],
    ['in an argument', nested(POLLUTED), 200, 'fieldSelector: Invalid input'],
    ['in a list in an argument', nested(`[${POLLUTED}]`), 200, 'fieldSelector: Invalid input'],
    ['as the workspace', withArguments('{"workspace":"__proto__"}'), 200, 'is not valid'],
  ])('%s', async (_, body, status, says) => {
    const reachesKcp = says === 'kube-system';
    bench.letThrough(reachesKcp ? 1 : 0);
    await bench.expectAnswer(body, status, says);
    if (reachesKcp) expect(bench.kcp.seen[0]?.url).toMatch(/^\/clusters\/root(:acme)?\/api\/v1\/namespaces\?/);
  });

  test.each([
    ['initialize', { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'a', version: '1' } }],
    [
      'completion/complete',
      { ref: { type: 'ref/prompt', name: '__proto__' }, argument: { name: '__proto__', value: '' } },
    ],
    ['ping', {}],
    ['server/discover', {}],
    ['subscriptions/listen', {}],
  ])('everywhere in the params of %s', async (method, params) => {
    const json = JSON.stringify({ ...LIST, method, params }).replaceAll('{', `{"__proto__":${POLLUTED},`);
    const body = json.replace(`"__proto__":${POLLUTED},`, '');
    const [status] = await bench.post(body);
    expect([200, 400]).toContain(status);
  });

  test('of two members of one name the last one counts', async () => {
    bench.letThrough();
    const twice = withArguments('{"workspace":"root:globex","workspace":"root:acme"}');
    await bench.expectAnswer(twice.replace('"method":', '"method":"tools/list","method":'), 200, 'kube-system');
    expect(bench.kcp.seen[0]?.url).toContain('/clusters/root:acme/');
  });
});
