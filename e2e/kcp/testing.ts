import { mkdtemp, mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Agent, fetch } from 'undici';
import type { RequestInit, Response } from 'undici';
import { issueCertificate } from '../lib/certs.ts';
import { repoRoot } from '../lib/cache.ts';
import { freePorts } from '../lib/ports.ts';
import { stopAll } from '../lib/process.ts';
import { demoAccounts } from '../oidc/accounts.ts';
import { startIssuer } from '../oidc/issuer.ts';
import type { IssuerHandle } from '../oidc/issuer.ts';
import { signTestToken } from '../oidc/test-tokens.ts';
import { openAdminClient } from './admin-client.ts';
import type { AdminClient } from './admin-client.ts';
import { startKcp } from './start.ts';
import type { KcpHandle } from './start.ts';
import type { WorkspaceTree } from './tree.ts';
import type { Workspace } from './workspace.ts';

/** A kcp with its issuer, and requests to it as anyone. */
export interface KcpForTest {
  dir: string;
  issuer: IssuerHandle;
  kcp: KcpHandle;
  admin: AdminClient;
  /** Sends a request as `alice`, `bob`, nobody (`none`), or with any token or client certificate. */
  send(caller: Caller, path: string, init?: RequestInit): Promise<Response>;
  /** Sends a request and returns the status of the answer only. */
  statusOf(...request: Parameters<KcpForTest['send']>): Promise<number>;
  stop(): Promise<void>;
}

export type Caller =
  'alice' | 'bob' | 'none' | { token: string } | { certificate: { user: string; groups?: string[] } };

/** Starts an issuer and a kcp (the real one where `KCP_BIN` or `KCP_KUBECONFIG` says so) in a folder of their own. */
export async function startKcpForTest(tree?: WorkspaceTree, { shards = 1 } = {}): Promise<KcpForTest> {
  await mkdir(join(repoRoot, '.testing'), { recursive: true });
  const dir = await mkdtemp(join(repoRoot, '.testing/kcp-'));
  const [issuerPort = 0, port = 0] = await freePorts(2);
  const address = '127.0.0.1';
  try {
    const issuer = await startIssuer({ dir, address, port: issuerPort });
    const kcp = await startKcp({ dir, address, port, oidc: issuer, shards, ...(tree ? { tree } : {}) });
    const admin = await openAdminClient(kcp.adminKubeconfig);
    const ca = await readFile(kcp.caFile);
    const agents = new Map<string, Agent>([['', new Agent({ connect: { ca } })]]);
    const agentFor = async (caller: Caller): Promise<Agent> => {
      const identity = typeof caller === 'object' && 'certificate' in caller ? JSON.stringify(caller.certificate) : '';
      const agent =
        agents.get(identity) ?? new Agent({ connect: { ca, ...(await clientCertificate(kcp, dir, identity)) } });
      agents.set(identity, agent);
      return agent;
    };
    const send: KcpForTest['send'] = async (caller, path, init = {}) => {
      const token = await tokenOf(issuer, caller);
      const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` };
      const headers = { ...(init.headers as Record<string, string> | undefined), ...authorization };
      return fetch(`${kcp.url}${path}`, { ...init, headers, dispatcher: await agentFor(caller) });
    };
    return {
      dir,
      issuer,
      kcp,
      admin,
      send,
      statusOf: async (...request) => {
        const response = await send(...request);
        await response.body?.cancel();
        return response.status;
      },
      stop: async () => {
        admin.close();
        await Promise.all([...agents.values()].map((agent) => agent.destroy()));
        await kcp.stop();
        await issuer.stop();
        await stopAll(dir);
        await rm(dir, { recursive: true, force: true });
      },
    };
  } catch (error) {
    await stopAll(dir);
    throw error;
  }
}

async function tokenOf(issuer: IssuerHandle, caller: Caller): Promise<string | undefined> {
  if (typeof caller === 'object') return 'token' in caller ? caller.token : undefined;
  const account = demoAccounts.find(({ name }) => name === caller);
  return account && signTestToken(issuer, { account });
}

async function clientCertificate(
  kcp: KcpHandle,
  dir: string,
  identity: string,
): Promise<{ cert: Buffer; key: Buffer }> {
  if (!kcp.clientCA) throw new Error('client certificates need a kcp that we started');
  const { user, groups = [] } = JSON.parse(identity) as { user: string; groups?: string[] };
  const name = `client-${user.replace(/[^a-z0-9]+/gi, '-')}`;
  const pair = await issueCertificate(kcp.clientCA, {
    dir: join(dir, 'clients'),
    name,
    commonName: user,
    organizations: groups,
  });
  return { cert: await readFile(pair.certFile), key: await readFile(pair.keyFile) };
}

export interface WatchLine {
  type: string;
  object: Workspace;
}

/** The first `count` events of a watch; all of them, when it ends before. */
export async function linesOf(response: Response, count = Infinity): Promise<WatchLine[]> {
  const found: WatchLine[] = [];
  const decoder = new TextDecoder();
  let pending = '';
  for await (const chunk of response.body ?? []) {
    const parts = (pending + decoder.decode(chunk as Uint8Array, { stream: true })).split('\n');
    pending = parts.pop() ?? '';
    for (const line of parts) found.push(JSON.parse(line) as WatchLine);
    if (found.length >= count) break;
  }
  return found;
}
