import { generateKeyPairSync } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { createCA, issueCertificate } from '../../lib/certs.ts';

/** As much of an OIDC issuer as the operator asks: its discovery document and its keys. As kcp it answers as well. */
export interface Issuer {
  url: string;
  /** PEM, for NODE_EXTRA_CA_CERTS. */
  caFile: string;
  close(): void;
}

export async function startIssuer(dir: string): Promise<Issuer> {
  const ca = await createCA(dir, 'issuer-ca', 'bench issuer');
  const host = '127.0.0.1';
  const { certFile, keyFile } = await issueCertificate(ca, {
    dir,
    name: 'issuer',
    commonName: 'issuer',
    hosts: [host],
  });
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const keys = [{ ...publicKey.export({ format: 'jwk' }), kid: 'bench', use: 'sig', alg: 'ES256' }];
  const server = createServer({ cert: await readFile(certFile), key: await readFile(keyFile) });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  const url = `https://${host}:${(server.address() as AddressInfo).port}`;
  const discovery = {
    issuer: url,
    authorization_endpoint: `${url}/auth`,
    token_endpoint: `${url}/token`,
    jwks_uri: `${url}/keys`,
    registration_endpoint: `${url}/register`,
  };
  server.on('request', (request, response) => {
    const answer = request.url === '/keys' ? { keys } : discovery;
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
  });
  server.unref();
  return {
    url,
    caFile: ca.certFile,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
