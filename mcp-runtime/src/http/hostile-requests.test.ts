// Requests to strange addresses, by strange methods and from strange pages, byte for byte through TLS to the whole runtime. None
// may reach kcp or keep the next caller from being served.
import { describe, expect, test } from '@jest/globals';
import { BODY, CLOSE, HOST, SIGNED_IN, request, useHostileBench } from '../testing/hostile.ts';

const bench = useHostileBench();

describe('the address', () => {
  const OTHER = 'this Host is not served here';
  const TWICE = 'was sent more than once';
  const SIGN_IN = 'sign in: send a bearer token';
  const BAD = '400 Bad Request';

  test.each<[string, string[], number, string]>([
    ['missing', [], 400, BAD],
    ['empty', ['Host:'], 403, OTHER],
    ['right', [HOST], 401, SIGN_IN],
    ['right, in capitals', ['Host: MCP.EXAMPLE.COM'], 401, SIGN_IN],
    ['right, with a port', ['Host: mcp.example.com:8443'], 401, SIGN_IN],
    ['with a port that is none', ['Host: mcp.example.com:80a'], 403, OTHER],
    ['with two ports', ['Host: mcp.example.com:1:2'], 403, OTHER],
    ['with a colon and no port', ['Host: mcp.example.com:'], 403, OTHER],
    ['loopback, which is all that is listened on', ['Host: [::1]:8443'], 401, SIGN_IN],
    ['loopback in other words', ['Host: 0x7f.1'], 403, OTHER],
    ['loopback as a number', ['Host: 2130706433'], 403, OTHER],
    ['an address', ['Host: 10.0.0.1'], 403, OTHER],
    ['another', ['Host: evil.example.com'], 403, OTHER],
    ['a longer one', ['Host: mcp.example.com.evil.example.com'], 403, OTHER],
    ['with something before it', ['Host: xmcp.example.com'], 403, OTHER],
    ['with a dot at the end', ['Host: mcp.example.com.'], 403, OTHER],
    ['with a user', ['Host: evil@mcp.example.com'], 403, OTHER],
    ['with ours as user', ['Host: mcp.example.com@evil.example.com'], 403, OTHER],
    ['with a path', ['Host: mcp.example.com/evil'], 403, OTHER],
    ['with a query', ['Host: mcp.example.com?evil'], 403, OTHER],
    ['with a fragment', ['Host: mcp.example.com#evil'], 403, OTHER],
    ['with a backslash', [String.raw`Host: mcp.example.com\evil`], 403, OTHER],
    ['with a scheme', ['Host: https://mcp.example.com'], 403, OTHER],
    ['percent-encoded', ['Host: mcp%2eexample%2ecom'], 403, OTHER],
    ['with full-width letters', [`Host: ${Buffer.from('\uff4dcp.example.com').toString('latin1')}`], 403, OTHER],
    ['with a space', ['Host: mcp.example.com evil'], 403, OTHER],
    ['two', ['Host: mcp.example.com, evil.example.com'], 403, OTHER],
    ['twice, the same', [HOST, HOST], 400, TWICE],
    ['twice, ours first', [HOST, 'Host: evil.example.com'], 400, TWICE],
    ['twice, ours last', ['Host: evil.example.com', HOST], 400, TWICE],
    ['with space before the colon', ['Host : mcp.example.com'], 400, BAD],
    ['of a proxy, which is not asked', [HOST, 'X-Forwarded-Host: evil.example.com', 'Forwarded: host=evil'], 401, SIGN_IN], // prettier-ignore
  ])('Host %s', async (_, hosts, status, says) => {
    const { statuses, text } = await bench.send(request('POST /mcp HTTP/1.1', [...hosts, CLOSE]));
    expect([statuses, text]).toEqual([[status], expect.stringContaining(says)]);
    // Challenges point to where we are, never to where the request says we are.
    if (status === 401) expect(text).toContain('resource_metadata="https://mcp.example.com/.well-known/');
  });

  test.each([
    ['of HTTP/1.0 without Host', 'POST /mcp HTTP/1.0\r\n\r\n', [403]],
    ['of HTTP/0.9', 'POST /mcp\r\n\r\n', [403]],
    ['of HTTP/1.2', request('POST /mcp HTTP/1.2', [HOST, CLOSE]), [400]],
    ['in absolute form', request('POST https://mcp.example.com/mcp HTTP/1.1', [HOST, CLOSE]), [404]],
    ['in absolute form of another', request('POST https://evil.example.com/mcp HTTP/1.1', [HOST, CLOSE]), [404]],
    ['with spaces in its target', request('POST /mcp /x HTTP/1.1', [HOST, CLOSE]), [400]],
    ['with bytes beyond ASCII in its target', request('POST /mc\xff HTTP/1.1', [HOST, CLOSE]), [400]],
    ['with a target of 33 KiB', request(`POST /mcp?${'a'.repeat(33 * 1024)} HTTP/1.1`, [HOST, CLOSE]), [431]],
  ])('a request line %s', async (_, bytes, statuses) => {
    expect((await bench.send(bytes)).statuses).toEqual(statuses);
  });

  // With a token: what isn't the endpoint's very path is not the endpoint.
  test.each<[string, number]>([
    ['//mcp', 404],
    ['/mcp/', 404],
    ['/mcp//', 404],
    ['/./mcp', 404],
    ['/x/../mcp', 404],
    ['/mcp/..', 404],
    ['/mcp/../mcp', 404],
    ['/%6dcp', 404],
    ['/%2fmcp', 404],
    ['/mcp%2f', 404],
    ['/mcp%00', 404],
    ['/mcp%0d%0aX:y', 404],
    ['/mcp;x=y', 404],
    ['/mcp#x', 404],
    ['/MCP', 404],
    ['/mcp.json', 404],
    ['/..%2f..%2fetc/passwd', 404],
    ['/healthz/../mcp', 404],
    ['/metrics', 404],
    ['/readyz', 404],
    ['/.well-known/oauth-protected-resource/', 404],
    ['/.well-known/oauth-protected-resource/../../mcp', 404],
    ['/.well-known/openid-configuration', 404],
    ['/__proto__', 404],
    ['*', 404],
  ])('POST %s: %d', async (path, status) => {
    const { statuses, text } = await bench.send(request(`POST ${path} HTTP/1.1`, [HOST, ...SIGNED_IN, CLOSE]));
    expect(statuses).toEqual([status]);
    expect(text).toContain('the MCP endpoint is /mcp');
  });

  test.each(['/mcp?token=x&workspace=root:globex', '/?x', '/'])('POST %s is the endpoint', async (path) => {
    const length = `Content-Length: ${BODY.length}`;
    const answers = await bench.send(request(`POST ${path} HTTP/1.1`, [HOST, ...SIGNED_IN, length, CLOSE], BODY));
    expect([answers.statuses, answers.text]).toEqual([[200], expect.stringContaining('kube-system')]);
    expect(bench.kcp.seen.at(-1)?.url).toContain('/clusters/root:acme/');
    bench.letThrough();
  });
});

describe('the method', () => {
  test.each<[string, number[]]>([
    ['TRACE', [405]],
    ['PUT', [405]],
    ['PATCH', [405]],
    ['HEAD', [405]],
    ['PROPFIND', [405]],
    ['QUERY', [405]],
    ['GET', [405]],
    ['DELETE', [405]],
    ['CONNECT', []],
    ['BREW', [400]],
    ['post', [400]],
    ['PRI', [400]],
  ])('%s, with a token: %j', async (method, statuses) => {
    const answers = await bench.send(request(`${method} /mcp HTTP/1.1`, [HOST, ...SIGNED_IN, CLOSE]));
    expect(answers.statuses).toEqual(statuses);
    if (statuses[0] === 405) expect(answers.text).toMatch(/^allow: .*POST/im);
  });

  test('in a header is none', async () => {
    const answers = await bench.send(
      request('GET /mcp HTTP/1.1', [HOST, ...SIGNED_IN, 'X-HTTP-Method-Override: POST', CLOSE]),
    );
    expect(answers.statuses).toEqual([405]);
  });

  test.each([
    ['a WebSocket', ['Connection: Upgrade, close', 'Upgrade: websocket', 'Sec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==', 'Sec-WebSocket-Version: 13']], // prettier-ignore
    ['HTTP/2', ['Connection: Upgrade, HTTP2-Settings, close', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQAAP__']],
    ['TLS', ['Connection: Upgrade, close', 'Upgrade: TLS/1.3']],
  ])('GET that asks to go on with %s', async (_, headers) => {
    expect((await bench.send(request('GET /mcp HTTP/1.1', [HOST, ...SIGNED_IN, ...headers]))).statuses).toEqual([405]);
  });
});

describe('Origin', () => {
  test.each<[string, string[], number]>([
    ['null', ['null'], 403],
    ['empty', [''], 403],
    ['of another page', ['https://evil.example.com'], 403],
    ['that begins like ours', ['https://mcp.example.com.evil.example.com'], 403],
    ['that ends like ours', ['https://evil-mcp.example.com'], 403],
    ['with ours as user', ['https://mcp.example.com@evil.example.com'], 403],
    ['over http', ['http://mcp.example.com'], 403],
    ['with a port', ['https://mcp.example.com:8443'], 403],
    ['with a path', ['https://mcp.example.com/'], 403],
    ['in capitals, as no browser writes it', ['HTTPS://MCP.EXAMPLE.COM'], 403],
    ['of a file', ['file://'], 403],
    ['two in one', ['https://mcp.example.com, https://evil.example.com'], 403],
    ['two', ['https://mcp.example.com', 'https://evil.example.com'], 400],
    ['ours', ['https://mcp.example.com'], 401],
  ])('%s', async (_, origins, status) => {
    const headers = origins.map((origin) => `Origin: ${origin}`);
    const { statuses, text } = await bench.send(request('POST /mcp HTTP/1.1', [HOST, ...headers, CLOSE]));
    expect(statuses).toEqual([status]);
    expect(/^access-control-allow-origin: (.*)\r$/im.exec(text)?.[1]).toBe(status === 401 ? origins[0] : undefined);
    const preflight = await bench.send(request('OPTIONS /mcp HTTP/1.1', [HOST, ...headers, CLOSE]));
    expect(preflight.statuses).toEqual([status === 401 ? 204 : status]);
  });

  test('of a page whose name was pointed at us: the Host tells', async () => {
    const rebound = ['Host: evil.example.com:8443', 'Origin: https://evil.example.com:8443'];
    for (const method of ['OPTIONS', 'GET', 'POST']) {
      const { statuses, text } = await bench.send(
        request(`${method} /mcp HTTP/1.1`, [...rebound, ...SIGNED_IN, CLOSE]),
      );
      expect([statuses, text]).toEqual([[403], expect.not.stringMatching(/access-control/i)]);
    }
  });
});
