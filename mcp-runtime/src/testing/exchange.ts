import { afterAll, afterEach, beforeAll, beforeEach, expect } from '@jest/globals';
import { waitFor } from '../../../e2e/lib/wait.ts';
import { TokenExchangeError } from '../auth/exchange-error.ts';
import { createTokenExchange, type ExchangeOptions } from '../auth/exchange.ts';
import { createFetchJson } from '../auth/fetch-json.ts';
import { createIssuer, type Issuer } from '../auth/issuer.ts';
import type { Principal } from '../auth/principal.ts';
import type { UpstreamTokens } from '../auth/upstream.ts';
import { createVerifier } from '../auth/verify.ts';
import type { ExchangeSettings } from '../config/token-exchange.ts';
import { startTestIssuer, type TestIssuer } from './issuer.ts';
import { captureLog } from './log.ts';

/** This server, as the audience of callers and as a client of the issuer. */
export const RESOURCE = 'https://mcp.example.com/mcp';
/** A secret with what forms and Basic credentials have to encode. */
export const SECRET = 'hunter2:+ %';

/** An exchange at an issuer on loopback, anew for each test of a file. */
export interface ExchangeBench {
  readonly provider: TestIssuer;
  readonly issuer: Issuer;
  /** Milliseconds since the epoch; the clock of the exchange. */
  now: number;
  /** Outcomes so far, as the metric counts them. */
  results: string[];
  readonly logged: ReturnType<typeof captureLog>;
  exchange(changes?: Partial<ExchangeSettings>, options?: Partial<ExchangeOptions>): UpstreamTokens;
  /** A verified caller with a token for this server. */
  caller(claims?: Record<string, unknown>): Promise<Principal>;
  /** What a failed exchange tells, once it was seen to hold neither token nor secret, and to be in log and metric. */
  failure(
    changes?: Partial<ExchangeSettings>,
    claims?: Record<string, unknown>,
    options?: Partial<ExchangeOptions>,
  ): Promise<TokenExchangeError>;
}

/** To be called at the top of a test file. */
export function useExchange(): ExchangeBench {
  let provider: TestIssuer;
  let issuer: Issuer;
  let logged: ReturnType<typeof captureLog>;

  beforeAll(async () => {
    provider = await startTestIssuer();
  });
  afterAll(() => provider.close());
  beforeEach(async () => {
    bench.now = Date.now();
    bench.results = [];
    logged = captureLog();
    provider.answerToken = undefined;
    provider.tokenRequests.length = 0;
    issuer = createIssuer({ url: provider.url, fetchJson: createFetchJson(provider.caFile), log: logged.log });
    await waitFor('the keys', () => issuer.ready(), { deadlineMs: 5_000, intervalMs: 5 });
  });
  afterEach(() => {
    issuer.stop();
  });

  const bench: ExchangeBench = {
    get provider() {
      return provider;
    },
    get issuer() {
      return issuer;
    },
    get logged() {
      return logged;
    },
    now: 0,
    results: [],
    exchange: (changes = {}, options = {}) =>
      createTokenExchange({
        settings: {
          strategy: 'rfc8693',
          clientId: RESOURCE,
          secret: { value: SECRET },
          audience: 'kcp',
          scopes: [],
          authMethod: 'client_secret_post',
          ...changes,
        },
        issuer,
        caFile: provider.caFile,
        callerScopes: ['openid', 'mcp'],
        log: logged.log,
        onExchange: (result) => bench.results.push(result),
        clock: () => bench.now,
        ...options,
      }),
    async caller(claims = {}) {
      const verifier = createVerifier({ issuer, audience: RESOURCE, clock: () => bench.now });
      return verifier.verify(await provider.sign({ aud: RESOURCE, ...claims }));
    },
    async failure(changes = {}, claims = {}, options = {}) {
      const principal = await bench.caller(claims);
      const error: unknown = await bench
        .exchange(changes, options)
        .forKcp(principal)
        .catch((thrown: unknown) => thrown);
      if (!(error instanceof TokenExchangeError)) throw new Error('the exchange did not fail', { cause: error });
      for (const text of [error.message, logged.text()]) {
        for (const part of principal.token.split('.')) expect(text).not.toContain(part);
        expect(text).not.toContain('hunter2');
      }
      expect(bench.results).toEqual([error.failure]);
      const line = { message: 'token exchange failed', failure: error.failure, error: error.message };
      expect(logged.lines).toContainEqual(expect.objectContaining(line));
      return error;
    },
  };
  return bench;
}
