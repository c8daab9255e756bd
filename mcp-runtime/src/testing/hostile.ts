import { afterAll, afterEach, beforeAll, beforeEach, expect } from '@jest/globals';
import { recorded, startFakeKcp, type FakeKcp } from './fake-kcp.ts';
import { startTestIssuer, type TestIssuer } from './issuer.ts';
import { CALL, startTestRuntime, type TestRuntime } from './runtime.ts';
import { exchange, type Answers } from './wire.ts';

/** The whole runtime as hostile requests meet it. */
export interface HostileBench {
  readonly runtime: TestRuntime;
  readonly kcp: FakeKcp;
  /** A right token. */
  readonly token: string;
  /** Sends bytes through TLS, `TOKEN` in them replaced by the token, and reads until the connection is closed. */
  send(bytes: string): Promise<Answers>;
  /** `POST /mcp` with the token. */
  post(body: string | Uint8Array | object, headers?: Record<string, string>): Promise<[status: number, text: string]>;
  /** The same, and what has to come back: in few words, for nobody needs their mistake repeated at length. */
  expectAnswer(
    body: string | Uint8Array | object,
    status: number,
    says: string,
    headers?: Record<string, string>,
  ): Promise<void>;
  /** Says that requests of this test are right: so many go through to kcp. */
  letThrough(requests?: number): void;
}

export const CLOSE = 'Connection: close';
export const HOST = 'Host: mcp.example.com';
/** Stands for the token, which there is only once the issuer runs. */
export const TOKEN = '@token';
export const JSON_TYPES = ['Content-Type: application/json', 'Accept: application/json, text/event-stream'];
export const SIGNED_IN = [`Authorization: Bearer ${TOKEN}`, ...JSON_TYPES];
/** A right body: a call that asks kcp once. */
export const BODY = JSON.stringify(CALL);

/** A request as it goes over the wire. */
export function request(line: string, headers: readonly string[], body = ''): string {
  return [line, ...headers, '', body].join('\r\n');
}

/**
 * Starts a runtime for the tests of a file. After each of them: kcp got no request that wasn't let through, the next caller is
 * served, nothing is polluted, no token is in the log and no fault of ours either.
 */
export function useHostileBench(): HostileBench {
  let provider: TestIssuer;
  let kcp: FakeKcp;
  let runtime: TestRuntime;
  let token: string;
  let expected: number;

  beforeAll(async () => {
    provider = await startTestIssuer();
    kcp = await startFakeKcp();
    kcp.handlers.push(() => ({ body: recorded('namespaces-list') }));
    runtime = await startTestRuntime(provider, kcp);
    token = await provider.sign();
  });
  afterAll(async () => {
    await runtime.stop();
    await kcp.stop();
    await provider.close();
  });
  beforeEach(() => {
    kcp.seen.length = 0;
    expected = 0;
  });
  afterEach(async () => {
    expect(kcp.seen.map(({ url }) => url)).toHaveLength(expected);
    expect(await post(CALL)).toEqual([200, expect.stringContaining('kube-system')]);
    for (const made of [Object.prototype, Array.prototype, Function.prototype]) expect(Object.keys(made)).toEqual([]);
    expect(runtime.logged.text()).not.toContain(token.slice(-40));
    expect(runtime.logged.lines.filter((line) => line['level'] === 'error')).toEqual([]);
  });

  const post: HostileBench['post'] = async (body, headers = {}) => {
    const response = await runtime.post({ authorization: `Bearer ${token}`, ...headers }, body);
    return [response.status, await response.text()];
  };

  return {
    post,
    async expectAnswer(body, status, says, headers) {
      const [code, text] = await post(body, headers);
      expect({ code, text: text.slice(0, 2_000) }).toEqual({ code: status, text: expect.stringContaining(says) });
      expect(text.length).toBeLessThan(2_000);
    },
    get runtime() {
      return runtime;
    },
    get kcp() {
      return kcp;
    },
    get token() {
      return token;
    },
    send: (bytes) => exchange(runtime, bytes.replaceAll(TOKEN, token)),
    letThrough: (requests = 1) => {
      expected = requests;
    },
  };
}
