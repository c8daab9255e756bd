import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { startProcess } from '../lib/process.ts';
import { trustingFetch } from '../oidc/http.ts';
import { openAdminClient } from './admin-client.ts';
import { attachRealKcp, startRealKcp } from './real-kcp.ts';
import type { OIDCOptions } from './plane.ts';
import { seed } from './seed.ts';
import type { SeededWorkspace } from './seed.ts';
import { standInFiles, stopPlanes } from './stand-in.ts';
import { demoTree } from './tree.ts';
import type { WorkspaceTree } from './tree.ts';

export interface KcpOptions {
  /** Run folder; kcp's own files go into `DIR/kcp`. */
  dir: string;
  address: string;
  port: number;
  oidc: OIDCOptions;
  /** Workspaces, rights and objects to create; the demo's unless told. */
  tree?: WorkspaceTree;
}

export interface KcpHandle {
  /** `https://ADDRESS:PORT`; a workspace is at `/clusters/PATH`. */
  url: string;
  caFile: string;
  /** Current context `root`, with all rights everywhere. */
  adminKubeconfig: string;
  /**
   * What reached kcp, as JSON lines without tokens (see request-log.ts). Of a real kcp that we start: its audit log,
   * without its own controllers; of one that was there before: an empty file.
   */
  requestLog: string;
  /** Signs client certificates that kcp accepts (common name = user, organizations = groups); not for a foreign kcp. */
  clientCA?: { certFile: string; keyFile: string };
  /** The tree's workspaces and `root`, by path. */
  workspaces: Record<string, SeededWorkspace>;
  stop(): Promise<void>;
}

/**
 * Starts kcp with a tree of workspaces in it. `KCP_KUBECONFIG` (admin of a running kcp that trusts the same issuer) or
 * `KCP_BIN` (the kcp program) in the environment choose a real one; otherwise the stand-in is started.
 *
 * @throws when it doesn't come up; the message holds the end of its log
 */
export async function startKcp(options: KcpOptions): Promise<KcpHandle> {
  const { KCP_BIN: binary, KCP_KUBECONFIG: kubeconfig } = process.env;
  const tree = options.tree ?? demoTree;
  await mkdir(join(options.dir, 'kcp'), { recursive: true });
  const running = kubeconfig
    ? await attachRealKcp(options.dir, kubeconfig)
    : binary
      ? await startRealKcp(binary, options)
      : await startStandIn(options, tree);
  const admin = await openAdminClient(running.adminKubeconfig);
  try {
    return { ...running, workspaces: await seed(admin, tree) };
  } catch (error) {
    await running.stop();
    throw error;
  } finally {
    admin.close();
  }
}

export type RunningKcp = Omit<KcpHandle, 'workspaces'>;

async function startStandIn({ dir, address, port, oidc }: KcpOptions, tree: WorkspaceTree): Promise<RunningKcp> {
  const url = `https://${address}:${port}`;
  const { caFile, clientCA, adminKubeconfig, requestLog } = standInFiles(dir);
  const spare = tree.workspaces.filter((workspace) => workspace.sharesPlaneWith === undefined).length;
  const started = await startProcess({
    dir,
    name: 'kcp',
    command: process.execPath,
    args: [
      join(import.meta.dirname, 'main.ts'),
      ...['--dir', dir, '--address', address, '--port', String(port), '--tree', 'none', '--spare', String(spare)],
      ...['--oidc-issuer-url', oidc.issuerURL, '--oidc-client-id', oidc.clientID, '--oidc-ca-file', oidc.caFile],
    ],
    ready: () => answers(caFile, `${url}/readyz`),
    deadlineMs: 120_000,
  });
  return {
    url,
    caFile,
    clientCA,
    adminKubeconfig,
    requestLog,
    stop: async () => {
      await started.stop();
      await stopPlanes(dir);
    },
  };
}

/** Whether a URL answers with success; the CA file may not be there yet. */
export async function answers(caFile: string, url: string): Promise<boolean> {
  const http = await trustingFetch(caFile);
  try {
    const response = await http.fetch(url, { signal: AbortSignal.timeout(2000) });
    await response.body?.cancel();
    return response.ok;
  } finally {
    await http.close();
  }
}
