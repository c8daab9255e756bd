// Requests whose end isn't clear, and what is no HTTP/1.1 at all, byte for byte through TLS to the whole runtime. None may reach kcp,
// be taken for two, or keep the next caller from being served.
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { describe, expect, test } from '@jest/globals';
import { BODY, CLOSE, HOST, JSON_TYPES, SIGNED_IN, request, useHostileBench } from '../testing/hostile.ts';
import { exchange } from '../testing/wire.ts';

const bench = useHostileBench();

const SMUGGLED = request('GET /healthz HTTP/1.1', [HOST]);
/** A request with a token and a right body, but for what is given. */
const post = (headers: readonly string[], body = BODY) =>
  request('POST /mcp HTTP/1.1', [HOST, ...SIGNED_IN, CLOSE, ...headers], body);

describe('framing', () => {
  const chunk = (text: string, size = text.length.toString(16)) => `${size}\r\n${text}\r\n0\r\n\r\n`;
  const LENGTH = `Content-Length: ${BODY.length}`;
  const CHUNKED = 'Transfer-Encoding: chunked';

  // Where two readers may see two ends, there is no request (RFC 9112 §6.3).
  test.each<[string, string, number]>([
    ['a length and chunks', post(['Content-Length: 5', CHUNKED], `0\r\n\r\n${SMUGGLED}`), 400],
    ['chunks and a length', post([CHUNKED, 'Content-Length: 5'], `0\r\n\r\n${SMUGGLED}`), 400],
    ['two lengths', post(['Content-Length: 5', 'Content-Length: 6'], `abcde${SMUGGLED}`), 400],
    ['one length twice', post([LENGTH, LENGTH]), 400],
    ['a list of lengths', post(['Content-Length: 5, 5'], `abcde${SMUGGLED}`), 400],
    ['a length with a sign', post(['Content-Length: +5'], 'abcde'), 400],
    ['a negative length', post(['Content-Length: -1'], 'abcde'), 400],
    ['a hexadecimal length', post(['Content-Length: 0x5'], 'abcde'), 400],
    ['a length with a fraction', post(['Content-Length: 5.0'], 'abcde'), 400],
    ['a length beyond all numbers', post(['Content-Length: 99999999999999999999999'], 'abcde'), 400],
    ['a length beyond the bound', post(['Content-Length: 99999999999'], SMUGGLED), 413],
    ['an empty length', post(['Content-Length:'], SMUGGLED), 400],
    ['identity', post(['Transfer-Encoding: identity'], BODY), 501],
    ['xchunked', post(['Transfer-Encoding: xchunked'], chunk(BODY)), 501],
    ['chunked, identity', post(['Transfer-Encoding: chunked, identity'], chunk(BODY)), 400],
    ['identity, chunked', post(['Transfer-Encoding: identity, chunked'], chunk(BODY)), 501],
    ['gzip, chunked', post(['Transfer-Encoding: gzip, chunked'], chunk(BODY)), 501],
    ['chunked, chunked', post(['Transfer-Encoding: chunked, chunked'], chunk(BODY)), 400],
    ['chunked then identity', post([CHUNKED, 'Transfer-Encoding: identity'], chunk(BODY)), 400],
    ['identity then chunked', post(['Transfer-Encoding: identity', CHUNKED], chunk(BODY)), 501],
    ['a space before the colon', post(['Transfer-Encoding : chunked'], chunk(BODY)), 400],
    ['a vertical tab before it', post(['Transfer-Encoding: \x0bchunked'], chunk(BODY)), 400],
    ['a folded line', post(['Transfer-Encoding:\r\n chunked'], chunk(BODY)), 400],
    ['quotes', post(['Transfer-Encoding: "chunked"'], chunk(BODY)), 501],
    ['a chunk size of no number', post([CHUNKED], chunk(BODY, 'zz')), 400],
    ['a negative chunk size', post([CHUNKED], chunk(BODY, '-1')), 400],
    ['a chunk size with 0x', post([CHUNKED], chunk(BODY, `0x${BODY.length.toString(16)}`)), 400],
    ['a chunk size beyond all numbers', post([CHUNKED], chunk(BODY, 'f'.repeat(17))), 400],
    ['a chunk longer than it says', post([CHUNKED], chunk(BODY, '2')), 400],
    ['chunks in HTTP/1.0', request('POST /mcp HTTP/1.0', [HOST, ...SIGNED_IN, CHUNKED], chunk(BODY)), 501],
    ['a line that ends in LF only', post([`X-A: b\nX-C: d`, LENGTH]), 400],
    ['a line that ends in CR only', post([`X-A: b\rX-C: d`, LENGTH]), 400],
    ['a NUL', post(['X-A: a\0b', LENGTH]), 400],
    ['a folded header', post(['X-A: a\r\n b', LENGTH]), 400],
    ['a header without name', post([': a', LENGTH]), 400],
    ['a header without colon', post(['nothing', LENGTH]), 400],
    ['a header name with a space', post(['X A: b', LENGTH]), 400],
    ['3,000 headers', post([...Array.from({ length: 3_000 }, (_, index) => `X-${index}: a`), LENGTH]), 431],
    ['a header of 33 KiB', post([`X-A: ${'a'.repeat(33 * 1024)}`, LENGTH]), 431],
    ['an expectation nobody knows', post(['Expect: something', LENGTH]), 417],
  ])('%s', async (_, bytes, status) => {
    expect((await bench.send(bytes)).statuses).toEqual([status]);
  });

  test.each<[string, string[]]>([
    ['in chunks', [CHUNKED]],
    ['with an extension to a chunk', [CHUNKED]],
    ['with headers of Object.prototype', ['__proto__: x', 'constructor: y', 'toString: z', LENGTH]],
    ['with bytes beyond ASCII in a header', ['X-A: \xe9\xff', LENGTH]],
    ['that has proxies drop the token', ['Connection: authorization', LENGTH]],
    [
      'that asks to go on with HTTP/2, as Java clients do',
      ['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQAAP__', LENGTH],
    ],
    ['that expects to be told to go on', ['Expect: 100-continue', LENGTH]],
  ])('%s is right', async (what, headers) => {
    const extension = what.includes('extension') ? ';name="value"' : '';
    const body = headers[0] === CHUNKED ? chunk(BODY, BODY.length.toString(16) + extension) : BODY;
    const answers = await bench.send(post(headers, body));
    expect([answers.statuses, answers.text]).toEqual([[200], expect.stringContaining('kube-system')]);
    bench.letThrough();
  });
});

describe('one connection', () => {
  const length = (text: string) => `Content-Length: ${text.length}`;
  const anonymous = (body: string) => request('POST /mcp HTTP/1.1', [HOST, ...JSON_TYPES, length(body)], body);
  const last = () => post([length(BODY)]);

  test('a refused request and the right one after it', async () => {
    const { statuses, text } = await bench.send(anonymous(BODY) + last());
    expect(statuses).toEqual([401, 200]);
    expect(text).toContain('kube-system');
    bench.letThrough();
  });

  test('a refused request whose body looks like another one', async () => {
    expect((await bench.send(anonymous(SMUGGLED) + last())).statuses).toEqual([401, 200]);
    bench.letThrough();
  });

  test.each<[string, () => string, number[]]>([
    ['too large a request', () => request('POST /mcp HTTP/1.1', [HOST, ...SIGNED_IN, 'Content-Length: 99999999']), [413]], // prettier-ignore
    [
      'one that may be meant for two',
      () => request('POST /mcp HTTP/1.1', [HOST, HOST, ...SIGNED_IN, length(BODY)], BODY),
      [400],
    ],
    ['a broken one', () => 'nonsense\r\n\r\n', [400]],
    ['a broken one after a refused one', () => `${anonymous(BODY)}nonsense\r\n\r\n`, [401]],
  ])('%s ends it: nothing after it counts', async (_, bytes, statuses) => {
    expect((await bench.send(bytes() + last())).statuses).toEqual(statuses);
  });

  test('the token of one request is not that of the next', async () => {
    const { statuses } = await bench.send(
      request('POST /mcp HTTP/1.1', [HOST, ...SIGNED_IN, length(BODY)], BODY) +
        request('POST /mcp HTTP/1.1', [HOST, ...JSON_TYPES, length(BODY), CLOSE], BODY),
    );
    expect(statuses).toEqual([200, 401]);
    bench.letThrough();
  });
});

describe('the TLS port', () => {
  /** Why no connection comes about. */
  async function refusal(options: ConnectionOptions): Promise<string> {
    const { promise, resolve } = Promise.withResolvers<string>();
    const socket = connectTls(
      { port: bench.runtime.port, host: '127.0.0.1', servername: 'mcp.example.com', ca: bench.runtime.ca, ...options },
      () => {
        resolve(`connected with ${socket.getProtocol() ?? 'nothing'}`);
      },
    );
    socket.once('error', (error: NodeJS.ErrnoException) => {
      resolve(error.code ?? error.message);
    });
    const answer = await promise;
    socket.destroy();
    return answer;
  }

  test.each<[string, string]>([
    ['plain HTTP', request('GET /healthz HTTP/1.1', [HOST, CLOSE])],
    ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['noise', '\0\x01\x02\xff'.repeat(64)],
    ['a handshake of SSL 3', '\x16\x03\x00\x00\x2f\x01\x00\x00\x2b\x03\x00'.padEnd(100, '\0')],
  ])('answers nothing to %s', async (_, bytes) => {
    expect((await exchange({ port: bench.runtime.port }, bytes)).statuses).toEqual([]);
  });

  test('speaks HTTP/1.1 only', async () => {
    const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0';
    expect((await bench.send(preface)).statuses).toEqual([400]);
    expect(await refusal({ ALPNProtocols: ['h2'] })).toMatch(/NO_APPLICATION_PROTOCOL/);
  });

  test('takes no TLS before 1.2', async () => {
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT:@SECLEVEL=0' } as const;
    expect(await refusal(old)).toMatch(/PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL/);
    expect(await refusal({ maxVersion: 'TLSv1.2' })).toBe('connected with TLSv1.2');
  });

  test('handshakes once a connection: renegotiation costs the server more than the client', async () => {
    const { promise, resolve } = Promise.withResolvers<string>();
    const socket = connectTls(
      {
        port: bench.runtime.port,
        host: '127.0.0.1',
        servername: 'mcp.example.com',
        ca: bench.runtime.ca,
        maxVersion: 'TLSv1.2',
      },
      () => {
        socket.renegotiate({}, (error) => {
          resolve(error === null ? 'renegotiated' : 'refused');
        });
      },
    );
    socket.on('error', () => {
      resolve('refused');
    });
    expect(await promise).toBe('refused');
    socket.destroy();
  });
});
