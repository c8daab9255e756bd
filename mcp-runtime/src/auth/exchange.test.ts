import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { decodeJwt } from 'jose';
import { RESOURCE, SECRET, useExchange } from '../testing/exchange.ts';
import { sendToken } from '../testing/issuer.ts';

const it = useExchange();

describe('an exchange', () => {
  test("gives kcp a token for kcp, and keeps all else of the caller's own", async () => {
    const principal = await it.caller();
    const upstream = await it.exchange().forKcp(principal);
    expect(decodeJwt(upstream.token)).toMatchObject({ aud: 'kcp', sub: 'alice-id' });
    expect({ ...upstream }).toEqual({ ...principal, exchangedFor: 'kcp' });
    expect(principal.exchangedFor).toBeUndefined();
    expect(JSON.stringify(upstream)).not.toContain(upstream.token);
    expect(it.results).toEqual(['success']);
    expect(it.logged.text()).not.toContain(upstream.token.split('.')[2]);
  });

  test('asks as RFC 8693 has it', async () => {
    const principal = await it.caller();
    await it.exchange({ scopes: ['email', 'groups'] }).forKcp(principal);
    const [{ form, authorization } = { form: new URLSearchParams(), authorization: '' }] = it.provider.tokenRequests;
    expect(Object.fromEntries(form)).toEqual({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token: principal.token,
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      requested_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      audience: 'kcp',
      scope: 'email groups',
      client_id: RESOURCE,
      client_secret: SECRET,
    });
    expect(authorization).toBeUndefined();
  });

  test('may name the client in the header, where its id and secret are form-encoded (RFC 6749 §2.3.1)', async () => {
    await it.exchange({ authMethod: 'client_secret_basic', strategy: 'keycloak-v1' }).forKcp(await it.caller());
    const [request] = it.provider.tokenRequests;
    expect(request?.form.has('client_id')).toBe(false);
    expect(request?.form.has('client_secret')).toBe(false);
    expect(request?.form.has('requested_token_type')).toBe(false);
    const credentials = Buffer.from(request?.authorization?.replace('Basic ', '') ?? '', 'base64').toString();
    expect(credentials.split(':').map((part) => new URLSearchParams(`x=${part}`).get('x'))).toEqual([RESOURCE, SECRET]);
  });

  test.each<[string, string, Record<string, unknown>]>([
    ['an id token', 'id_token', { typ: 'ID' }],
    ['an id token', 'id_token', { at_hash: 'x' }],
    ['an id token', 'id_token', { nonce: 'x' }],
    ['an access token', 'access_token', { nonce: 'x', scope: 'openid' }],
    ['an access token', 'access_token', { typ: 'Bearer' }],
  ])('says that it is %s: %s for %j', async (_, type, claims) => {
    await it.exchange().forKcp(await it.caller(claims));
    expect(it.provider.tokenRequests[0]?.form.get('subject_token_type')).toBe(
      `urn:ietf:params:oauth:token-type:${type}`,
    );
  });

  test('may be told what it exchanges for what', async () => {
    const types = { subjectTokenType: 'urn:ietf:params:oauth:token-type:jwt', requestedTokenType: 'urn:x' };
    await it.exchange({ ...types, strategy: 'keycloak-v1' }).forKcp(await it.caller());
    const form = it.provider.tokenRequests[0]?.form;
    expect(form?.get('subject_token_type')).toBe(types.subjectTokenType);
    expect(form?.get('requested_token_type')).toBe('urn:x');
    // What isn't an access token has this type.
    it.provider.answerToken = (_, res) => {
      sendToken(res, { access_token: 'x', token_type: 'N_A' });
    };
    await expect(it.exchange(types).forKcp(await it.caller())).resolves.toMatchObject({ token: 'x' });
  });

  test('reads its secret from a file each time, line break or not', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'secret-'));
    const file = join(dir, 'client-secret');
    const upstream = it.exchange({ secret: { file } });
    await writeFile(file, 'first\n');
    await upstream.forKcp(await it.caller({ jti: 'a' }));
    await writeFile(file, 'second');
    await upstream.forKcp(await it.caller({ jti: 'b' }));
    expect(it.provider.tokenRequests.map(({ form }) => form.get('client_secret'))).toEqual(['first', 'second']);
    await rm(dir, { recursive: true });
  });
});

describe('an exchanged token', () => {
  test('is made once for all calls that need it at the same time, and for those after', async () => {
    const upstream = it.exchange();
    const principal = await it.caller();
    await Promise.all([1, 2, 3].map(() => upstream.forKcp(principal)));
    await upstream.forKcp(principal);
    expect(it.provider.tokenRequests).toHaveLength(1);
  });

  test('is never given to another token, be it of the same caller', async () => {
    const upstream = it.exchange();
    it.provider.answerToken = async ({ form }, res) => {
      const { sub, jti } = decodeJwt(form.get('subject_token') ?? '');
      sendToken(res, { access_token: await it.provider.sign({ sub, inbound: jti }) });
    };
    const callers = await Promise.all([
      it.caller({ jti: 'a' }),
      it.caller({ jti: 'b' }),
      it.caller({ sub: 'bob-id', jti: 'c' }),
    ]);
    for (let round = 0; round < 2; round++) {
      const tokens = await Promise.all(callers.map((each) => upstream.forKcp(each)));
      expect(tokens.map(({ token }) => decodeJwt(token)['inbound'])).toEqual(['a', 'b', 'c']);
    }
    expect(it.provider.tokenRequests).toHaveLength(3);
  });

  const FOREVER = 4_000_000_000;
  /** Seconds after which the token is exchanged anew; a million: not before. */
  test.each<[string, number, Record<string, unknown>, Record<string, unknown>]>([
    ["expires with the caller's own", 300, { expires_in: 100_000 }, { exp: FOREVER }],
    ['expires with expires_in', 120, { expires_in: 120 }, { exp: FOREVER }],
    ['expires with its own exp', 60, { expires_in: 100_000 }, { exp: 60 }],
    ['expires with its own exp where expires_in is nonsense', 60, { expires_in: 'soon' }, { exp: 60 }],
    ['expires with its own exp where expires_in is negative', 60, { expires_in: -5 }, { exp: 60 }],
    ['expires with its own exp where expires_in is beyond all numbers', 60, { expires_in: '1e999' }, { exp: 60 }],
    ['expires with its own exp where there is no expires_in', 60, { expires_in: undefined }, { exp: 60 }],
  ])('%s: %i s', async (_, seconds, answer, claims) => {
    const begun = Math.floor(it.now / 1_000);
    const exp = claims['exp'] === FOREVER ? FOREVER : begun + Number(claims['exp']);
    it.provider.answerToken = async (_request, res) => {
      sendToken(res, { access_token: await it.provider.sign({ exp }), ...answer });
    };
    const principal = await it.caller({ exp: begun + 300 });
    const upstream = it.exchange();
    await upstream.forKcp(principal);
    // 15 s are kept for what the token starts.
    it.now = (begun + seconds - 15) * 1_000 - 1_000;
    await upstream.forKcp(principal);
    expect(it.provider.tokenRequests).toHaveLength(1);
    it.now += 2_000;
    await upstream.forKcp(principal);
    expect(it.provider.tokenRequests).toHaveLength(2);
  });

  test('that says nothing of its end is used once', async () => {
    it.provider.answerToken = (_, res) => {
      sendToken(res, { access_token: 'opaque', expires_in: undefined });
    };
    const upstream = it.exchange();
    const principal = await it.caller();
    expect((await upstream.forKcp(principal)).token).toBe('opaque');
    await upstream.forKcp(principal);
    expect(it.provider.tokenRequests).toHaveLength(2);
  });

  test('is given up when nobody waits for it any more', async () => {
    const asked = Promise.withResolvers<undefined>();
    const gone = Promise.withResolvers<undefined>();
    it.provider.answerToken = (_, res) => {
      res.once('close', () => {
        gone.resolve(undefined);
      });
      asked.resolve(undefined);
    };
    const controller = new AbortController();
    const waiting = it.exchange().forKcp(await it.caller(), controller.signal);
    await asked.promise;
    controller.abort(new Error('the caller went away'));
    await expect(waiting).rejects.toThrow('the caller went away');
    await gone.promise;
  });
});
