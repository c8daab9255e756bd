// What callers see while the issuer's keys come and go.
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { waitFor } from '../../../e2e/lib/wait.ts';
import { SAYS } from '../../../e2e/oidc/hostile-token.ts';
import { startTestApp, type TestApp } from '../testing/app.ts';
import { newKey, startTestIssuer, type TestIssuer } from '../testing/issuer.ts';

const LIST = { jsonrpc: '2.0', id: 1, method: 'tools/list' };
let issuer: TestIssuer;
let app: TestApp;
beforeEach(async () => {
  issuer = await startTestIssuer();
  issuer.down = true;
  app = await startTestApp(issuer);
});
afterEach(async () => {
  await app.close();
  await issuer.close();
});

async function keysLoaded(): Promise<void> {
  issuer.down = false;
  await waitFor('the keys', () => app.issuer.ready(), { deadlineMs: 5_000, intervalMs: 5 });
}

/** The status that a token gets, with what the challenge says; nothing of it is logged. */
async function answerTo(token: string): Promise<[status: number, says: string | null | undefined]> {
  const response = await app.post(LIST, { authorization: `Bearer ${token}` });
  const challenge = response.headers.get('www-authenticate');
  const text = (await response.text()) + (challenge ?? '') + app.logged.text();
  for (const part of token.split('.')) expect(text).not.toContain(part);
  return [response.status, challenge === null ? null : /error_description="(.*?)"/.exec(challenge)?.[1]];
}

const UNKNOWN = [401, SAYS.key] as const;

test('none loaded yet: 503, for no token can be judged and signing in again would not help', async () => {
  expect(await answerTo(await issuer.sign())).toEqual([503, null]);
  await keysLoaded();
  expect(await answerTo(await issuer.sign())).toEqual([200, null]);
});

test('a new one counts at once, and is asked for once', async () => {
  await keysLoaded();
  expect(await answerTo(await issuer.sign())).toEqual([200, null]);
  const before = issuer.requests.keys;
  issuer.keys = [await newKey('new'), ...issuer.keys];
  const tokens = await Promise.all(['a', 'b', 'c', 'd'].map((jti) => issuer.sign({ jti })));
  const strangers = await Promise.all(['x', 'y', 'z'].map(async (kid) => issuer.sign({}, {}, await newKey(kid))));
  const answers = await Promise.all([...tokens, ...strangers].map(answerTo));
  expect(answers).toEqual([...tokens.map(() => [200, null]), ...strangers.map(() => UNKNOWN)]);
  for (const token of strangers) expect(await answerTo(token)).toEqual(UNKNOWN);
  expect(issuer.requests.keys).toBe(before + 1);
});

test('a retired one does not count any more, for tokens that were accepted either', async () => {
  await keysLoaded();
  const token = await issuer.sign();
  expect(await answerTo(token)).toEqual([200, null]);
  issuer.keys = [await newKey('new')];
  await app.issuer.reload();
  expect(await answerTo(token)).toEqual(UNKNOWN);
  expect(await answerTo(await issuer.sign())).toEqual([200, null]);
});

test('an issuer that is away leaves known ones in force and unknown ones unknown', async () => {
  await keysLoaded();
  issuer.down = true;
  expect(await answerTo(await issuer.sign({}, {}, await newKey('stranger')))).toEqual(UNKNOWN);
  expect(await answerTo(await issuer.sign())).toEqual([200, null]);
});
