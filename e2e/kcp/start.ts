import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { startProcess } from '../lib/process.ts';
import { answers } from '../oidc/http.ts';
import { openAdminClient } from './admin-client.ts';
import { attachRealKcp, startRealKcp } from './real-kcp.ts';
import type { KcpHandle, KcpOptions, RunningKcp } from './handle.ts';
import { seed } from './seed.ts';
import { standInFiles, stopPlanes } from './stand-in.ts';
import { demoTree } from './tree.ts';
import type { WorkspaceTree } from './tree.ts';

export type { KcpHandle, KcpOptions } from './handle.ts';

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
    return { ...running, workspaces: await seed(admin, tree, options.seeding) };
  } catch (error) {
    await running.stop();
    throw error;
  } finally {
    admin.close();
  }
}

async function startStandIn(
  { dir, address, port, oidc, shards = 1 }: KcpOptions,
  tree: WorkspaceTree,
): Promise<RunningKcp> {
  const url = `https://${address}:${port}`;
  const { caFile, shardCAFile, clientCA, adminKubeconfig, requestLog } = standInFiles(dir);
  const spare = tree.workspaces.filter((workspace) => workspace.sharesPlaneWith === undefined).length;
  const started = await startProcess({
    dir,
    name: 'kcp',
    command: process.execPath,
    args: [
      join(import.meta.dirname, 'main.ts'),
      ...[
        '--dir',
        dir,
        '--address',
        address,
        '--port',
        String(port),
        '--tree',
        'none',
        '--spare',
        String(spare),
        '--shards',
        String(shards),
      ],
      ...['--oidc-issuer-url', oidc.issuerURL, '--oidc-client-id', oidc.clientID, '--oidc-ca-file', oidc.caFile],
    ],
    ready: () => answers(caFile, `${url}/readyz`),
    deadlineMs: 120_000,
  });
  return {
    url,
    caFile,
    shardCAFile,
    clientCA,
    adminKubeconfig,
    requestLog,
    stop: async () => {
      await started.stop();
      await stopPlanes(dir);
    },
  };
}
