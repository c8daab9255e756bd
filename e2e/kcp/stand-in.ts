import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ensureBinaries } from '../cluster/toolchain.ts';
import { running } from '../lib/process.ts';
import { createProgress } from '../lib/progress.ts';
import { waitFor } from '../lib/wait.ts';
import { answers } from '../oidc/http.ts';
import { AccessGate } from './access.ts';
import { serveAdmission } from './admission.ts';
import { writeAdminKubeconfig } from './admin-kubeconfig.ts';
import { startEtcd } from './etcd.ts';
import { serveFront } from './front.ts';
import { Lifecycle } from './lifecycle.ts';
import { MountProxy } from './mount.ts';
import { createPki } from './pki.ts';
import { PlaneClient } from './plane-client.ts';
import type { OIDCOptions } from './plane.ts';
import { PlanePool } from './plane-pool.ts';
import { Registry } from './registry.ts';
import { RequestLog } from './request-log.ts';
import { serveShard, shardNames } from './shards.ts';

export interface StandInOptions {
  /** Run folder; the stand-in's own files go into `DIR/kcp`. Data of an earlier run is removed. */
  dir: string;
  address: string;
  port: number;
  oidc: OIDCOptions;
  /** How many shards there are; the workspaces lie on each in turn. Shards but the first have addresses of their own. */
  shards?: number;
  /** Planes to start beside root's, for workspaces that will be made soon. */
  spare: number;
}

/** Where the stand-in in a run folder keeps what others need. */
export function standInFiles(dir: string) {
  const own = join(dir, 'kcp');
  return {
    caFile: join(own, 'pki/ca.crt'),
    shardCAFile: join(own, 'pki/shard-ca.crt'),
    clientCA: { certFile: join(own, 'pki/client-ca.crt'), keyFile: join(own, 'pki/client-ca.key') },
    adminKubeconfig: join(own, 'admin.kubeconfig'),
    requestLog: join(own, 'requests.jsonl'),
  };
}

/** Ends the planes and the etcd of a stand-in, also those that one left which was killed. */
export async function stopPlanes(dir: string): Promise<void> {
  const own = (await running(dir)).filter(({ name }) => name.startsWith('kcp-plane-') || name === 'kcp-etcd');
  await Promise.all(own.map((each) => each.stop()));
}

/** Serves a kcp made of generic control planes until `close`; returns once `root` can be used. */
export async function serveStandIn(options: StandInOptions): Promise<{ url: string; close(): Promise<void> }> {
  const { dir, address, port, oidc } = options;
  const files = standInFiles(dir);
  const url = `https://${address}:${port}`;
  await stopPlanes(dir);
  await Promise.all(
    ['etcd', 'requests.jsonl'].map((name) => rm(join(dir, 'kcp', name), { recursive: true, force: true })),
  );
  await mkdir(join(dir, 'kcp'), { recursive: true });
  await writeFile(files.requestLog, '');

  const [binaries, pki] = await Promise.all([
    ensureBinaries(['etcd', 'generic-controlplane'], createProgress()),
    createPki(join(dir, 'kcp/pki'), [address, 'localhost', '127.0.0.1']),
  ]);
  await writeAdminKubeconfig({ file: files.adminKubeconfig, url, caFile: pki.front.caFile, ...pki.admin });
  // A plane that finds no issuer looks again only after 10 s, and refuses all tokens until then.
  const [etcdURL] = await Promise.all([startEtcd(dir, binaries.etcd), waitForIssuer(oidc)]);
  const client = await PlaneClient.open(pki);
  const admission = await serveAdmission(pki);
  const shards = shardNames(options.shards ?? 1);
  const registry = new Registry(shards);
  const gate = new AccessGate(client);
  const log = new RequestLog(files.requestLog);
  const others = await Promise.all(
    shards.slice(1).map((shard) => serveShard({ address, shard, pki, registry, gate, log })),
  );
  const pool = new PlanePool({ dir, binary: binaries['generic-controlplane'], etcdURL, pki, oidc, client, admission });
  const endpoints = [url, ...others.map((shard) => shard.url)];
  const lifecycle = new Lifecycle({ client, registry, pool, url, endpoints });
  const root = lifecycle.start();
  pool.prepare(options.spare);
  await root;
  const mounts = await MountProxy.open(pki.front.caFile);
  const front = await serveFront({ address, port, pki, client, registry, gate, lifecycle, mounts, url, log });
  return {
    url,
    close: async () => {
      lifecycle.stop();
      await Promise.all([front, ...others].map((server) => server.close()));
      await mounts.close();
      await pool.stop();
      await client.close();
      await log.close();
      await stopPlanes(dir);
      await admission.close();
    },
  };
}

async function waitForIssuer({ issuerURL, caFile }: OIDCOptions): Promise<void> {
  const discovery = `${issuerURL}/.well-known/openid-configuration`;
  await waitFor(`the issuer ${issuerURL} to answer`, () => answers(caFile, discovery), { deadlineMs: 30_000 });
}
