// tls.termination: Edge: a proxy ends TLS, the Pods speak plain HTTP, and clients notice nothing.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createCA, issueCertificate } from '../lib/certs.ts';
import { connectMcp } from '../oidc/connect.ts';
import { trustingFetch } from '../oidc/http.ts';
import { signIn } from '../oidc/sign-in.ts';
import { condition, host, state, type Server as KcpMcpServer } from './support.ts';

const { namespace } = state.server;
const NAME = 'edge';

let dir: string;
let edge: Server;
/** Where the proxy passes requests on to. */
let service: string;
let externalURL: string;
let caFile: string;

beforeAll(async () => {
  dir = await mkdtemp(join(state.runDir, 'edge-'));
  const ca = await createCA(dir, 'edge-ca', 'edge CA');
  const { certFile, keyFile } = await issueCertificate(ca, {
    dir,
    name: 'edge',
    commonName: 'edge',
    hosts: ['localhost'],
  });
  caFile = join(dir, 'ca.crt');
  await writeFile(caFile, `${await readFile(state.caFile, 'utf8')}\n${await readFile(ca.certFile, 'utf8')}`);
  edge = createProxy(await readFile(certFile), await readFile(keyFile));
  await new Promise<void>((resolve) => edge.listen(0, '127.0.0.1', resolve));
  externalURL = `https://localhost:${(edge.address() as AddressInfo).port}`;
  const copy = `--resource-name=${NAME}-mcp-kubeconfig`;
  await host.run([
    'create',
    'role',
    NAME,
    '-n',
    namespace,
    '--resource=secrets',
    '--verb=get,watch,create,patch',
    copy,
  ]);
  const operator = '--serviceaccount=kcp-mcp-operator-system:kcp-mcp-operator';
  await host.run(['create', 'rolebinding', NAME, '-n', namespace, `--role=${NAME}`, operator]);
});
afterAll(async () => {
  await host.run(['delete', 'kcpmcpserver', NAME, '-n', namespace, '--ignore-not-found']);
  await host.run(['delete', 'role,rolebinding', NAME, '-n', namespace, '--ignore-not-found']);
  edge.closeAllConnections();
  edge.close();
  await rm(dir, { recursive: true, force: true });
});

/** Ends TLS as an ingress controller does; its X-Forwarded headers lie, as a client's might. */
function createProxy(cert: Buffer, key: Buffer): Server {
  return createServer({ cert, key }, (req, res) => {
    const lies = { 'x-forwarded-host': 'evil.example.com', 'x-forwarded-proto': 'http', 'x-forwarded-port': '80' };
    const headers = { ...req.headers, ...lies };
    const upstream = request({ host: service, port: 80, method: req.method, path: req.url, headers }, (answer) => {
      res.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(res);
    });
    upstream.on('error', () => res.destroy());
    res.on('close', () => upstream.destroy());
    req.pipe(upstream);
  });
}

test('a server with TLS at the edge comes up without a certificate', async () => {
  interface Spec {
    kcp: object;
    auth: { oidc: object };
  }
  const { spec } = await host.get<{ spec: Spec }>('kcpmcpserver', state.server.name, '-n', namespace);
  await host.apply({
    apiVersion: 'mcp.kcp.io/v1alpha1',
    kind: 'KcpMcpServer',
    metadata: { name: NAME, namespace },
    spec: {
      hostname: 'localhost',
      externalURL,
      kcp: spec.kcp,
      auth: { oidc: spec.auth.oidc },
      tls: { termination: 'Edge' },
    },
  });
  await condition(NAME, 'Ready', { status: 'True' }, { deadlineMs: 150_000 });
  expect((await host.get<KcpMcpServer>('kcpmcpserver', NAME, '-n', namespace)).status?.url).toBe(`${externalURL}/mcp`);
  const certificates = await host.run(['get', 'certificates', '-n', namespace, '-o', 'name']);
  expect(certificates).not.toContain(`${NAME}-mcp-tls`);
  const found = await host.get<{ spec: { clusterIP: string } }>('service', `${NAME}-mcp`, '-n', namespace);
  service = found.spec.clusterIP;
}, 240_000);

describe('through a proxy that ends TLS', () => {
  test('clients are told the external URL, whatever X-Forwarded headers say', async () => {
    const http = await trustingFetch(caFile);
    try {
      const refused = await http.fetch(`${externalURL}/mcp`, { method: 'POST', body: '{}' });
      const metadata = `${externalURL}/.well-known/oauth-protected-resource/mcp`;
      expect(refused.status).toBe(401);
      expect(refused.headers.get('www-authenticate')).toContain(`resource_metadata="${metadata}"`);
      const { resource } = (await (await http.fetch(metadata)).json()) as { resource: string };
      expect(resource).toBe(`${externalURL}/mcp`);
    } finally {
      await http.close();
    }
  });

  test('another Host is refused', async () => {
    const http = await trustingFetch();
    try {
      const answer = await http.fetch(`http://${service}/mcp`, { method: 'POST', body: '{}' });
      expect(answer.status).toBe(403);
    } finally {
      await http.close();
    }
  });

  test.each(['2025-11-25', '2026-07-28'] as const)(
    'a client of %s signs in and calls',
    async (era) => {
      const mcpURL = `${externalURL}/mcp`;
      const [user] = state.users;
      const { accessToken } = await signIn({
        mcpURL,
        user: user?.name ?? '',
        password: user?.password ?? '',
        ca: caFile,
      });
      const client = await connectMcp({ mcpURL, accessToken, ca: caFile, era });
      try {
        const { isError, text } = await client.callTool('kcp_workspaces_list', {});
        expect(isError).toBe(false);
        expect(text).toContain('root:acme');
      } finally {
        await client.close();
      }
    },
    60_000,
  );
});
