import { parseArgs } from 'node:util';

const usage = `Usage: node e2e/oidc/main.ts --dir DIR --port PORT --cert-file FILE --key-file FILE [options]

An OpenID provider for demos and tests: open client registration, PKCE, JWT access tokens for kcp, users alice and bob
(passwords alice-demo and bob-demo). Signing keys and registered clients are kept in DIR.

  --dir DIR               folder for keys and registered clients
  --address ADDRESS       address to listen on (default 127.0.0.1)
  --port PORT             port to listen on
  --cert-file FILE        serving certificate (PEM)
  --key-file FILE         its private key (PEM)
  --issuer-url URL        where clients reach it (default https://ADDRESS:PORT)
  --client-id ID          audience of the tokens: kcp's --oidc-client-id (default platform-mesh)
  --token-lifetime SECS   lifetime of id and access tokens (default 3600)
  --help                  this text
`;

const { values } = parseArgs({
  options: {
    dir: { type: 'string' },
    address: { type: 'string', default: '127.0.0.1' },
    port: { type: 'string' },
    'cert-file': { type: 'string' },
    'key-file': { type: 'string' },
    'issuer-url': { type: 'string' },
    'client-id': { type: 'string', default: 'platform-mesh' },
    'token-lifetime': { type: 'string', default: '3600' },
    help: { type: 'boolean' },
  },
});
const { dir, address, port, 'cert-file': certFile, 'key-file': keyFile } = values;
if (values.help) {
  process.stdout.write(usage);
} else if (!dir || !port || !certFile || !keyFile) {
  process.stderr.write(`--dir, --port, --cert-file and --key-file are needed.\n\n${usage}`);
  process.exitCode = 2;
} else {
  const issuerURL = values['issuer-url'] ?? `https://${address}:${port}`;
  // Loaded late: oidc-provider has something to say about Node when it is, which --help has no use for.
  const { serveIssuer } = await import('./server.ts');
  const server = await serveIssuer({
    dir,
    address,
    port: Number(port),
    issuerURL,
    audience: values['client-id'],
    tls: { certFile, keyFile },
    tokenLifetime: Number(values['token-lifetime']),
  });
  console.log(`issuer ${issuerURL} is up`);
  const stop = (): void => void server.close();
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
}
