/**
 * CertificateRequests of cert-manager, which know why a certificate isn't there yet when its Certificate doesn't say: that
 * the issuer is missing, for instance.
 */
import { CERTIFICATE_REQUEST, type CertManagerCertificateRequest } from '../api/external.ts';
import type { InformerOptions, KubeObject } from '../kube/index.ts';
import { SERVER_LABEL } from '../resources/names.ts';
import { KindCache } from './kind-cache.ts';

/** Those of Certificates of ours: cert-manager gives them the Certificate's labels. Index `owner`: uid of the Certificate. */
export function createCertificateRequests(
  namespaces: readonly string[],
  options: Pick<InformerOptions<KubeObject>, 'client' | 'logger' | 'timings'>,
): KindCache<CertManagerCertificateRequest> {
  return new KindCache<CertManagerCertificateRequest>(namespaces, {
    ...options,
    resource: CERTIFICATE_REQUEST,
    labelSelector: SERVER_LABEL,
    transform: conditionsOnly,
    indexers: { owner: ({ metadata }) => metadata.ownerReferences?.map(({ uid }) => uid) ?? [] },
  });
}

/** Without the request and the certificates in it, which are most of it. */
function conditionsOnly({
  apiVersion,
  kind,
  metadata,
  status,
}: CertManagerCertificateRequest): CertManagerCertificateRequest {
  const { managedFields: _, ...rest } = metadata;
  return { apiVersion, kind, metadata: rest, ...(status?.conditions && { status: { conditions: status.conditions } }) };
}
