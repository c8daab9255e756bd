import { mkdtemp, readFile, rm } from 'node:fs/promises';
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

/** An identity provider on loopback, with real HTTPS and real keys. */
export interface TestIssuer {
  readonly url: string;
  readonly caFile: string;
  /** Requests so far. */
  readonly requests: { discovery: number; keys: number };
  /** While true every request is answered with 503. */
  down: boolean;
  /** Added to the discovery document. */
  metadata: Record<string, unknown>;
  /** The published keys; the first one signs. */
  keys: TestKey[];
  /** Signs with the first key: valid for five minutes, for `platform-mesh` and alice, unless told otherwise. */
  sign(claims?: Record<string, unknown>, header?: Partial<JWTHeaderParameters>, key?: TestKey): Promise<string>;
  close(): Promise<void>;
}

export async function newKey(kid: string, alg = 'ES256'): Promise<TestKey> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  return { privateKey, publicJwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' } };
}

export async function startTestIssuer(): Promise<TestIssuer> {
  const dir = await mkdtemp(join(tmpdir(), 'issuer-'));
  const ca = await createCA(dir, 'ca', 'test issuer CA');
  const { certFile, keyFile } = await issueCertificate(ca, {
    dir,
    name: 'tls',
    commonName: 'localhost',
    hosts: ['localhost'],
  });
  const requests = { discovery: 0, keys: 0 };

  const server = createServer({ cert: await readFile(certFile), key: await readFile(keyFile) }, (req, res) => {
    const isDiscovery = req.url === '/.well-known/openid-configuration';
    requests[isDiscovery ? 'discovery' : 'keys']++;
    res.writeHead(issuer.down ? 503 : 200, { 'content-type': 'application/json' });
    if (issuer.down) res.end('<p>away</p>');
    else if (isDiscovery)
      res.end(JSON.stringify({ issuer: issuer.url, jwks_uri: `${issuer.url}/jwks`, ...issuer.metadata }));
    else res.end(JSON.stringify({ keys: issuer.keys.map((key) => key.publicJwk) }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

  const issuer: TestIssuer = {
    url: `https://localhost:${(server.address() as AddressInfo).port}`,
    caFile: ca.certFile,
    requests,
    down: false,
    metadata: {},
    keys: [await newKey('one')],
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
