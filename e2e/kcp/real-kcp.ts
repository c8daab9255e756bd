import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { createCA } from '../lib/certs.ts';
import { freePorts } from '../lib/ports.ts';
import { startProcess } from '../lib/process.ts';
import { ensureTLSFiles } from '../oidc/tls-files.ts';
import { openAdminClient } from './admin-client.ts';
import type { KcpOptions, RunningKcp } from './handle.ts';
import { answers } from '../oidc/http.ts';

/** Only requests from outside count: kcp's own controllers and system users are never at rest. */
const auditPolicy = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived', 'ResponseStarted'],
  rules: [
    { level: 'None', userGroups: ['system:masters', 'system:kcp:admin', 'system:kcp:external-logical-cluster-admin'] },
    { level: 'None', nonResourceURLs: ['/readyz*', '/livez*', '/healthz*'] },
    { level: 'Metadata' },
  ],
};

/** Starts a kcp program (single process, embedded etcd) with the OIDC settings that the stand-in has, too. */
export async function startRealKcp(binary: string, { dir, address, port, oidc }: KcpOptions): Promise<RunningKcp> {
  const own = join(dir, 'kcp');
  const url = `https://${address}:${port}`;
  const [tls, clientCA] = await Promise.all([
    ensureTLSFiles(join(own, 'pki'), [address, 'localhost', '127.0.0.1']),
    createCA(join(own, 'pki'), 'client-ca', 'kcp client CA'),
  ]);
  // kcp writes the certificate it serves into its admin.kubeconfig as what to trust: it must hold the CA's, too.
  const chainFile = join(own, 'pki/chain.crt');
  const chain = await Promise.all([readFile(tls.certFile, 'utf8'), readFile(tls.caFile, 'utf8')]);
  await writeFile(chainFile, chain.join(''));
  const policyFile = join(own, 'audit-policy.json');
  const requestLog = join(own, 'requests.jsonl');
  await Promise.all([writeFile(policyFile, JSON.stringify(auditPolicy)), writeFile(requestLog, '')]);
  const [etcdPort = 0, etcdPeerPort = 0] = await freePorts(2);
  const started = await startProcess({
    dir,
    name: 'kcp',
    command: binary,
    args: [
      'start',
      `--root-directory=${join(own, 'root')}`,
      `--embedded-etcd-client-port=${etcdPort}`,
      `--embedded-etcd-peer-port=${etcdPeerPort}`,
      `--bind-address=${address}`,
      `--secure-port=${port}`,
      `--external-hostname=${address}`,
      `--shard-base-url=${url}`,
      `--tls-cert-file=${chainFile}`,
      `--tls-private-key-file=${tls.keyFile}`,
      `--client-ca-file=${clientCA.certFile}`,
      `--oidc-issuer-url=${oidc.issuerURL}`,
      `--oidc-client-id=${oidc.clientID}`,
      `--oidc-ca-file=${oidc.caFile}`,
      '--oidc-username-claim=email',
      '--oidc-groups-claim=groups',
      '--oidc-signing-algs=RS256,ES256',
      `--audit-policy-file=${policyFile}`,
      `--audit-log-path=${requestLog}`,
      '--audit-log-mode=blocking',
      // Off by default, but there.
      '--feature-gates=WorkspaceMounts=true',
    ],
    ready: () => answers(tls.caFile, `${url}/readyz`),
    deadlineMs: 180_000,
  });
  const adminKubeconfig = join(own, 'root/admin.kubeconfig');
  const { pid } = started;
  return { url, caFile: tls.caFile, clientCA, adminKubeconfig, requestLog, pid, stop: () => started.stop() };
}

/** Uses a kcp that already runs, through its admin's kubeconfig. Stopping leaves it as it is, with the tree in it. */
export async function attachRealKcp(dir: string, kubeconfig: string): Promise<RunningKcp> {
  const config = new KubeConfig();
  config.loadFromFile(kubeconfig);
  const ca = config.getCurrentCluster()?.caData;
  if (ca === undefined) throw new Error(`${kubeconfig}: the current cluster needs certificate-authority-data`);
  const caFile = join(dir, 'kcp/ca.crt');
  const requestLog = join(dir, 'kcp/requests.jsonl');
  await Promise.all([writeFile(caFile, Buffer.from(ca, 'base64')), writeFile(requestLog, '')]);
  const admin = await openAdminClient(kubeconfig);
  admin.close();
  return { url: admin.url, caFile, adminKubeconfig: kubeconfig, requestLog, stop: () => Promise.resolve() };
}
