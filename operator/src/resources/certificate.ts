import { apiVersionOf, type KubeObject } from '../kube/types.ts';
import { CERTIFICATE } from '../api/external.ts';
import type { KcpMcpServer, KcpMcpServerSpec } from '../api/kcp-mcp-server.ts';
import { childMetadata, childNames, labels } from './names.ts';

/** The part of cert-manager.io/v1 Certificate that we set. */
export interface CertManagerCertificateInput extends KubeObject {
  spec: {
    secretName: string;
    secretTemplate: { labels: Record<string, string> };
    dnsNames: string[];
    duration: string;
    renewBefore: string;
    privateKey: { algorithm: 'ECDSA'; size: 256; rotationPolicy: 'Always' };
    usages: string[];
    issuerRef: { name: string; kind: string; group: string };
  };
}

/**
 * The serving certificate. It is made out to the public names only: a public issuer (ACME) refuses names inside the
 * cluster, and who wants those adds them to `spec.tls.dnsNames`.
 */
export function certificate(
  server: KcpMcpServer,
  issuerRef: NonNullable<KcpMcpServerSpec['tls']['issuerRef']>,
): CertManagerCertificateInput {
  const { hostname, tls } = server.spec;
  const name = childNames(server.metadata.name).certificate;
  return {
    apiVersion: apiVersionOf(CERTIFICATE),
    kind: CERTIFICATE.kind,
    metadata: childMetadata(server, name),
    spec: {
      secretName: name,
      // cert-manager keeps these on the Secret: they tell that it is ours.
      secretTemplate: { labels: labels(server.metadata.name) },
      dnsNames: [...new Set([hostname, ...tls.dnsNames])],
      duration: tls.duration,
      renewBefore: tls.renewBefore,
      // The runtime reloads both files, so a new key with every renewal costs nothing.
      privateKey: { algorithm: 'ECDSA', size: 256, rotationPolicy: 'Always' },
      usages: ['digital signature', 'server auth'],
      issuerRef,
    },
  };
}
