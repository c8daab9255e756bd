/** Command lines of etcd and kube-apiserver. */
import { join } from 'node:path';
import { oidcArguments } from '../oidc/apiserver-flags.ts';
import type { OIDCOptions } from '../oidc/apiserver-flags.ts';

/** A single member. */
export function etcdArguments(dir: string, client: string, peer: string): string[] {
  return [
    `--data-dir=${join(dir, 'etcd')}`,
    `--listen-client-urls=${client}`,
    `--advertise-client-urls=${client}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=default=${peer}`,
    // What a power cut would lose is thrown away anyway; a killed process loses nothing.
    '--unsafe-no-fsync',
    '--log-level=warn',
  ];
}

/** Certificate and key files, PEM. */
export interface PkiFiles {
  caFile: string;
  serverCert: string;
  serverKey: string;
  serviceAccountCert: string;
  serviceAccountKey: string;
  /** CA of proxies that speak for users, of which there are none. */
  frontProxyCA: string;
  /** Client certificate and key for calls to kubelets. */
  adminCert: string;
  adminKey: string;
}

export interface ApiserverSettings {
  dir: string;
  address: string;
  port: number;
  etcdURL: string;
  pki: PkiFiles;
  /** Only in a cluster with a node. */
  serviceCIDR?: string;
  /** Where the audit log goes, if one is wanted. */
  auditLog?: string;
  /** An issuer whose tokens are accepted beside client certificates. */
  oidc?: OIDCOptions;
  /** Added at the end. */
  flags?: readonly string[];
}

/** With a `serviceCIDR` for a cluster with a node, else for an API server alone. */
export function apiserverArguments(settings: ApiserverSettings): string[] {
  const { dir, address, port, etcdURL, pki, serviceCIDR, auditLog, oidc, flags = [] } = settings;
  return [
    `--etcd-servers=${etcdURL}`,
    `--bind-address=${address}`,
    `--secure-port=${port}`,
    `--advertise-address=${address}`,
    `--client-ca-file=${pki.caFile}`,
    `--tls-cert-file=${pki.serverCert}`,
    `--tls-private-key-file=${pki.serverKey}`,
    // Without a folder of its own it makes one at /var/run/kubernetes.
    `--cert-dir=${join(dir, 'pki')}`,
    // Controllers that serve an API of their own wait for this to be configured.
    `--requestheader-client-ca-file=${pki.frontProxyCA}`,
    '--requestheader-allowed-names=front-proxy-client',
    '--requestheader-username-headers=X-Remote-User',
    '--requestheader-group-headers=X-Remote-Group',
    '--requestheader-extra-headers-prefix=X-Remote-Extra-',
    '--service-account-issuer=https://kubernetes.default.svc',
    `--service-account-key-file=${pki.serviceAccountCert}`,
    `--service-account-signing-key-file=${pki.serviceAccountKey}`,
    `--service-cluster-ip-range=${serviceCIDR ?? '10.0.0.0/16'}`,
    '--allow-privileged=true',
    '--profiling=false',
    ...(serviceCIDR
      ? [
          '--authorization-mode=Node,RBAC',
          '--enable-admission-plugins=NodeRestriction',
          '--kubelet-preferred-address-types=InternalIP',
          `--kubelet-certificate-authority=${pki.caFile}`,
          `--kubelet-client-certificate=${pki.adminCert}`,
          `--kubelet-client-key=${pki.adminKey}`,
        ]
      : // Nothing makes the service accounts that the plugin would insist on.
        ['--authorization-mode=RBAC', '--disable-admission-plugins=ServiceAccount']),
    ...(auditLog
      ? [
          `--audit-policy-file=${join(dir, 'audit/policy.json')}`,
          `--audit-log-path=${auditLog}`,
          // In MB. Whoever reads it as it grows would miss what is in a file that was rotated away.
          '--audit-log-maxsize=4096',
        ]
      : []),
    ...(oidc ? oidcArguments(oidc) : []),
    ...flags,
  ];
}

/** Who asked what of which object, and the answer's status; never a body, so never a Secret. */
export const auditPolicy = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived'],
  rules: [{ level: 'Metadata' }],
};
