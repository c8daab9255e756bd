import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { freePorts } from '../lib/ports.ts';
import { startKcp } from '../kcp/start.ts';
import type { Grant, WorkspaceTree } from '../kcp/tree.ts';
import { demoAccounts } from '../oidc/accounts.ts';
import { trustingFetch } from '../oidc/http.ts';
import { startIssuer } from '../oidc/issuer.ts';
import type { IssuerHandle } from '../oidc/issuer.ts';
import { signTestToken } from '../oidc/test-tokens.ts';
import { ensureTLSFiles } from '../oidc/tls-files.ts';
import { indexUser } from './kcp/serve.ts';
import { startSyntheticKcp } from './kcp/start.ts';
import { orgsAndTeams } from './kcp/tree.ts';
import type { Place } from './results.ts';
import { writeKubeconfig } from './servers/kubeconfig.ts';
import { prepareOurs } from './servers/ours.ts';
import { preparePeer } from './servers/peer.ts';
import type { Program } from './servers/under-test.ts';

/** A kcp with an issuer that it trusts, and the servers that can be put before it. */
export interface Installation {
  place: Place;
  /** Run folder. */
  dir: string;
  kcp: {
    url: string;
    caFile: string;
    /** Of a real one that was started for this. */
    pid?: number;
    /** Counters of the synthetic one. */
    countsURL?: string;
    /** Has the synthetic one hold answers back, in milliseconds. */
    delay?: (ms: number) => Promise<void>;
  };
  /** All workspaces with root, by path. */
  workspaces: string[];
  /** The workspace that holds one ConfigMap in namespace `default`. */
  team: string;
  /** A token of alice, who may enter all workspaces; a new caller for the caches wherever `caller` is new. */
  token: (caller?: string) => Promise<string>;
  programs: Record<'ours' | 'ours-index' | 'peer' | 'peer-shared', Program & { origin: string }>;
}

/** kcp makes workspaces slowly, but many at a time, and all wait for each other. */
const seeding = { parallelism: 64, deadlineMs: 900_000 };
const tokenSeconds = 12 * 3600;
const address = '127.0.0.1';

/** The synthetic kcp: 1,000 workspaces below root. */
export async function syntheticInstallation(dir: string, orgs = 20, teams = 49): Promise<Installation> {
  const issuer = await startedIssuer(dir);
  const kcp = await startSyntheticKcp({ dir, issuerURL: issuer.issuerURL, orgs, teams });
  const token = tokensOf(issuer);
  const identity = async (name: string, bearer: string): Promise<string> =>
    writeKubeconfig({
      file: join(dir, `${name}.kubeconfig`),
      server: `${kcp.url}/clusters/root`,
      caFile: kcp.caFile,
      token: bearer,
    });
  const sharedKubeconfig = await identity('shared', await token());
  const index = await signTestToken(issuer, { expiresIn: tokenSeconds, claims: { email: indexUser } });
  const indexKubeconfig = await identity('index', index);
  const paths = orgsAndTeams(orgs, teams).workspaces;
  return install({ place: 'synthetic', dir, kcp, paths, issuer, sharedKubeconfig, indexKubeconfig });
}

/** A real kcp (`KCP_BIN` or `KCP_KUBECONFIG`) with 325 workspaces below root. */
export async function realInstallation(dir: string, orgs = 13, teams = 24): Promise<Installation> {
  const issuer = await startedIssuer(dir);
  const [port = 0] = await freePorts(1);
  const paths = orgsAndTeams(orgs, teams).workspaces;
  const oidc = { issuerURL: issuer.issuerURL, clientID: issuer.clientID, caFile: issuer.caFile };
  const kcp = await startKcp({ dir, address, port, oidc, tree: treeOf(paths), seeding });
  const admin = { sharedKubeconfig: kcp.adminKubeconfig, indexKubeconfig: kcp.adminKubeconfig };
  return install({ place: 'real', dir, kcp, paths, issuer, ...admin });
}

/** What a kcp says of itself. */
export async function kcpVersion({ kcp, token }: Installation): Promise<string> {
  const http = await trustingFetch(kcp.caFile);
  try {
    const headers = { authorization: `Bearer ${await token()}` };
    const answer = await http.fetch(`${kcp.url}/clusters/root/version`, { headers });
    return ((await answer.json()) as { gitVersion: string }).gitVersion;
  } finally {
    await http.close();
  }
}

async function startedIssuer(dir: string): Promise<IssuerHandle> {
  await mkdir(dir, { recursive: true });
  const [port = 0] = await freePorts(1);
  return startIssuer({ dir, address, port });
}

function tokensOf(issuer: IssuerHandle): Installation['token'] {
  const [alice] = demoAccounts;
  return (caller) => {
    const claims = caller === undefined ? {} : { groups: [...(alice?.groups ?? []), caller] };
    return signTestToken(issuer, { expiresIn: tokenSeconds, claims });
  };
}

interface Parts {
  place: Place;
  dir: string;
  kcp: Installation['kcp'];
  /** Below root. */
  paths: readonly string[];
  issuer: IssuerHandle;
  /** With an identity that may list all workspaces. */
  sharedKubeconfig: string;
  /** With that of the index. */
  indexKubeconfig: string;
}

async function install(parts: Parts): Promise<Installation> {
  const { place, dir, kcp, paths, issuer, sharedKubeconfig, indexKubeconfig } = parts;
  const team = paths.findLast((path) => path.split(':').length === 3) ?? 'root';
  const tls = await ensureTLSFiles(join(dir, 'mcp'), [address]);
  const common = { dir, issuerURL: issuer.issuerURL, issuerCAFile: issuer.caFile, audience: issuer.clientID, tls };
  const anonymous = (name: string, workspace: string): Promise<string> => {
    const server = `${kcp.url}/clusters/${workspace}`;
    return writeKubeconfig({ file: join(dir, `${name}.kubeconfig`), server, caFile: kcp.caFile });
  };
  const kubeconfig = await anonymous('ours', 'root');
  const [ours, index, peer, shared] = await Promise.all([
    prepareOurs({ ...common, name: 'ours', kubeconfig }),
    prepareOurs({ ...common, name: 'ours-index', kubeconfig }, indexKubeconfig),
    preparePeer('oidc', { ...common, name: 'peer', kubeconfig: await anonymous('peer', team) }),
    preparePeer('shared', { ...common, name: 'peer-shared', kubeconfig: sharedKubeconfig }),
  ]);
  const programs = { ours, 'ours-index': index, peer, 'peer-shared': shared };
  return { place, dir, kcp, workspaces: ['root', ...paths], team, token: tokensOf(issuer), programs };
}

/** The same tree for a real kcp: alice may enter and list everything, the teams hold one ConfigMap each. */
function treeOf(paths: readonly string[]): WorkspaceTree {
  const grants: Grant[] = [{ subject: { kind: 'User', name: demoAccounts[0]?.email ?? '' }, level: 'edit' }];
  return {
    root: { grants },
    workspaces: paths.map((path) => ({
      path,
      grants,
      ...(path.split(':').length === 3 && { configMaps: { settings: { currency: 'EUR', theme: 'dark' } } }),
    })),
  };
}
