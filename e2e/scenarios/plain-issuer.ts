/** An issuer with nothing but its metadata and keys: enough for the operator and the Pods, and for nobody to sign in. */
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createCA, issueCertificate } from '../lib/certs.ts';

export interface PlainIssuer {
  issuerURL: string;
  /** PEM of the CA that its certificate is of. */
  ca: string;
  stop(): Promise<void>;
}

export interface PlainIssuerOptions {
  /** Of this machine, and one that Pods reach. */
  address: string;
  /** What the issuer's URL ends with: '' or `/realms/NAME`. */
  path: string;
  /** Whether its metadata say where clients register (RFC 7591). */
  registers: boolean;
}

export async function startPlainIssuer({ address, path, registers }: PlainIssuerOptions): Promise<PlainIssuer> {
  const dir = await mkdtemp(join(tmpdir(), 'plain-issuer-'));
  const ca = await createCA(dir, 'ca', 'plain issuer');
  const { certFile, keyFile } = await issueCertificate(ca, {
    dir,
    name: 'server',
    commonName: address,
    hosts: [address],
  });
  const jwk = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' });
  const answers = (origin: string): Record<string, object> => ({
    [`${path}/.well-known/openid-configuration`]: {
      issuer: `${origin}${path}`,
      authorization_endpoint: `${origin}${path}/authorize`,
      token_endpoint: `${origin}${path}/token`,
      jwks_uri: `${origin}${path}/keys`,
      response_types_supported: ['code'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['ES256'],
      code_challenge_methods_supported: ['S256'],
      ...(registers && { registration_endpoint: `${origin}${path}/register` }),
    },
    [`${path}/keys`]: { keys: [{ ...jwk, use: 'sig', alg: 'ES256', kid: 'one' }] },
  });

  const server = createServer({ cert: await readFile(certFile), key: await readFile(keyFile) });
  server.listen(0, address);
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const origin = `https://${address}:${port}`;
  const known = answers(origin);
  server.on('request', ({ url = '' }, response) => {
    const answer = known[url];
    response.writeHead(answer ? 200 : 404, { 'content-type': 'application/json' });
    response.end(JSON.stringify(answer ?? {}));
  });
  return {
    issuerURL: `${origin}${path}`,
    ca: await readFile(ca.certFile, 'utf8'),
    async stop(): Promise<void> {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
      await rm(dir, { recursive: true, force: true });
    },
  };
}
