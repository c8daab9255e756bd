import { mkdtemp, readFile, rm } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK, type JWTHeaderParameters } from 'jose';
import { createCA, issueCertificate } from '../../../e2e/lib/certs.ts';

/** A signing key as the issuer of a test has it. */
export interface TestKey {
  readonly privateKey: CryptoKey;
  readonly publicJwk: JWK;
}

/** A request to the token endpoint. */
export interface TokenRequest {
  readonly form: URLSearchParams;
  readonly authorization: string | undefined;
}

/** An identity provider on loopback, with real HTTPS and real keys. */
export interface TestIssuer {
  readonly url: string;
  readonly caFile: string;
  /** Requests so far. */
  readonly requests: { discovery: number; keys: number };
  /** TLS handshakes so far. */
  readonly handshakes: () => number;
  /** While true every request is answered with 503. */
  down: boolean;
  /** Requests to the token endpoint so far. */
  readonly tokenRequests: TokenRequest[];
  /** Answers them; in its place a token for the audience that was asked for, of alice, is given to everybody. */
  answerToken: ((request: TokenRequest, res: ServerResponse) => unknown) | undefined;
  /** Added to the discovery document. */
  metadata: Record<string, unknown>;
  /** The published keys; the first one signs. */
  keys: TestKey[];
  /** What the key set holds before those keys, right or wrong. */
  oddKeys: unknown[];
  /** Answers in place of a document; true once it has. */
  answer: (document: 'discovery' | 'keys', res: ServerResponse) => boolean;
  /** Signs with the first key: valid for five minutes, for `platform-mesh` and alice, unless told otherwise. */
  sign(claims?: Record<string, unknown>, header?: Partial<JWTHeaderParameters>, key?: TestKey): Promise<string>;
  close(): Promise<void>;
}

export async function newKey(kid: string, alg = 'ES256'): Promise<TestKey> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  return { privateKey, publicJwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' } };
}

const documentOf = (url: string) => ({ issuer: url, jwks_uri: `${url}/jwks`, token_endpoint: `${url}/token` });

/** Answers an exchange as RFC 8693 §2.2.1 has it; `changes` replace parts of the answer. */
export function sendToken(res: ServerResponse, changes: Record<string, unknown>, status = 200): void {
  const type = { issued_token_type: 'urn:ietf:params:oauth:token-type:access_token', token_type: 'Bearer' };
  res.writeHead(status, { 'content-type': 'application/json' });
  res.end(JSON.stringify({ ...(status === 200 && { ...type, expires_in: 300 }), ...changes }));
}

export async function startTestIssuer(): Promise<TestIssuer> {
  const dir = await mkdtemp(join(tmpdir(), 'issuer-'));
  const ca = await createCA(dir, 'ca', 'test issuer CA');
  const { certFile, keyFile } = await issueCertificate(ca, {
    dir,
    name: 'tls',
    commonName: 'localhost',
    hosts: ['localhost', '127.0.0.1'],
  });
  const requests = { discovery: 0, keys: 0 };
  const tokenRequests: TokenRequest[] = [];
  let handshakes = 0;

  async function answerTokenRequest(req: IncomingMessage, res: ServerResponse): Promise<void> {
    let body = '';
    for await (const chunk of req as AsyncIterable<Buffer>) body += chunk.toString();
    const request = { form: new URLSearchParams(body), authorization: req.headers.authorization };
    tokenRequests.push(request);
    if (issuer.answerToken !== undefined) {
      await issuer.answerToken(request, res);
      return;
    }
    const token = await issuer.sign({ aud: request.form.get('audience') });
    sendToken(res, { access_token: token });
  }

  const server = createServer({ cert: await readFile(certFile), key: await readFile(keyFile) }, (req, res) => {
    if (req.url === '/token') {
      void answerTokenRequest(req, res);
      return;
    }
    const isDiscovery = req.url === '/.well-known/openid-configuration';
    const document = isDiscovery ? 'discovery' : 'keys';
    requests[document]++;
    if (issuer.answer(document, res)) return;
    res.writeHead(issuer.down ? 503 : 200, { 'content-type': 'application/json' });
    if (issuer.down) res.end('<p>away</p>');
    else if (isDiscovery) res.end(JSON.stringify({ ...documentOf(issuer.url), ...issuer.metadata }));
    else res.end(JSON.stringify({ keys: [...issuer.oddKeys, ...issuer.keys.map((key) => key.publicJwk)] }));
  });
  server.on('secureConnection', () => {
    handshakes += 1;
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

  const issuer: TestIssuer = {
    url: `https://localhost:${(server.address() as AddressInfo).port}`,
    caFile: ca.certFile,
    requests,
    tokenRequests,
    answerToken: undefined,
    handshakes: () => handshakes,
    down: false,
    metadata: {},
    keys: [await newKey('one')],
    oddKeys: [],
    answer: () => false,
    sign: async (claims = {}, header = {}, key = issuer.keys[0]) => {
      if (key === undefined) throw new Error('the issuer has no key');
      const now = Math.floor(Date.now() / 1_000);
      const { alg = '', kid = '' } = key.publicJwk;
      const all = {
        iss: issuer.url,
        sub: 'alice-id',
        aud: 'platform-mesh',
        email: 'alice@example.com',
        iat: now,
        exp: now + 300,
        ...claims,
      };
      return new SignJWT(all).setProtectedHeader({ alg, kid, ...header }).sign(key.privateKey);
    },
    close: async () => {
      await new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      });
      await rm(dir, { recursive: true });
    },
  };
  return issuer;
}
