import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { parseArgs } from 'node:util';
import { createSyntheticKcp } from './serve.ts';
import { orgsAndTeams } from './tree.ts';

const usage = `Usage: node e2e/bench/kcp/main.ts --port PORT --admin-port PORT --cert-file FILE --key-file FILE
       --oidc-issuer-url URL [options]

A synthetic kcp for benchmarks: answers like the recordings of a real one, out of memory, for tokens of the issuer.

  --address ADDRESS       address to listen on (default 127.0.0.1)
  --port PORT             port of kcp (HTTPS)
  --admin-port PORT       port of its counters (HTTP): GET /counts, PUT /delay?ms=N
  --cert-file FILE        serving certificate (PEM)
  --key-file FILE         its private key (PEM)
  --oidc-issuer-url URL   issuer of the tokens
  --orgs N, --teams N     organisations, and teams in each (default 20 and 49: 1,000 workspaces below root)
  --help                  this text
`;

const { values } = parseArgs({
  options: {
    address: { type: 'string', default: '127.0.0.1' },
    port: { type: 'string' },
    'admin-port': { type: 'string' },
    'cert-file': { type: 'string' },
    'key-file': { type: 'string' },
    'oidc-issuer-url': { type: 'string' },
    orgs: { type: 'string', default: '20' },
    teams: { type: 'string', default: '49' },
    help: { type: 'boolean' },
  },
});

async function run(port: string, adminPort: string, certFile: string, keyFile: string, issuerURL: string) {
  const { address, orgs, teams } = values;
  const [cert, key] = await Promise.all([readFile(certFile), readFile(keyFile)]);
  const url = `https://${address}:${port}`;
  const tree = orgsAndTeams(Number(orgs), Number(teams));
  const synthetic = createSyntheticKcp({ tree, url, issuerURL, tls: { cert, key } });
  const admin = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', url);
    if (request.method === 'PUT' && pathname === '/delay') synthetic.delayMs = Number(searchParams.get('ms') ?? '0');
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(synthetic.counts));
  });
  synthetic.server.listen(Number(port), address);
  admin.listen(Number(adminPort), address);
  await Promise.all([once(synthetic.server, 'listening'), once(admin, 'listening')]);
  console.log(`synthetic kcp ${url} with ${tree.workspaces.length} workspaces is up`);
}

const { port, 'admin-port': adminPort, 'cert-file': certFile, 'key-file': keyFile, 'oidc-issuer-url': issuer } = values;
if (values.help) {
  process.stdout.write(usage);
} else if (!port || !adminPort || !certFile || !keyFile || !issuer) {
  process.stderr.write(`--port, --admin-port, --cert-file, --key-file and --oidc-issuer-url are needed.\n\n${usage}`);
  process.exitCode = 2;
} else {
  await run(port, adminPort, certFile, keyFile, issuer);
  process.once('SIGTERM', () => process.exit());
  process.once('SIGINT', () => process.exit());
}
