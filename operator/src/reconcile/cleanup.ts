/**
 * What is no longer wanted. All children live in the namespace of their KcpMcpServer and carry an ownerReference, so
 * garbage collection takes them with it. Here goes what a change of the spec leaves behind.
 */
import { CERTIFICATE, DEPLOYMENT, INGRESS, NETWORK_POLICY, POD_DISRUPTION_BUDGET } from '../api/external.ts';
import { BACKEND_TLS_POLICY, HTTP_ROUTE, TLS_ROUTE } from '../api/gateway-api.ts';
import { keyOf, type Resource } from '../kube/index.ts';
import { childNames, type ChildNames } from '../resources/index.ts';
import { mayRun } from './credentials.ts';
import { isPassing, problemOf } from './errors.ts';
import { isExposedBy } from './exposure.ts';
import { hasSeveralPods } from './replicas.ts';
import { isOurs, liveChild, type Run } from './run.ts';
import { fails, type Cause } from './status.ts';

/** A child that not every spec asks for. */
export interface Prunable {
  resource: Resource;
  name: keyof ChildNames;
  /** Whether the spec, with what it refers to, asks for it. Asked after everything was applied. */
  wanted: (run: Run) => boolean;
  /** The cause of Ready that says when it can't be deleted. */
  cause: Cause;
}

export const PODS: Prunable = { resource: DEPLOYMENT, name: 'workload', wanted: mayRun, cause: 'Available' };

/** One row for each kind; the operator needs the verb `delete` on it (config/rbac/role.yaml). */
const PRUNABLE: readonly Prunable[] = [
  PODS,
  {
    resource: CERTIFICATE,
    name: 'certificate',
    // The Secret that cert-manager wrote stays: deleting keys is for people.
    wanted: ({ server }) => server.spec.tls.issuerRef !== undefined,
    cause: 'CertificateReady',
  },
  {
    resource: POD_DISRUPTION_BUDGET,
    name: 'workload',
    wanted: hasSeveralPods,
    cause: 'Available',
  },
  {
    resource: NETWORK_POLICY,
    name: 'workload',
    wanted: ({ server }) => server.spec.networkPolicy !== undefined,
    cause: 'Exposed',
  },
  ...[INGRESS, HTTP_ROUTE, TLS_ROUTE, BACKEND_TLS_POLICY].map((resource): Prunable => ({
    resource,
    name: 'workload',
    wanted: (run) => isExposedBy(resource, run),
    cause: 'Exposed',
  })),
];

/** Deletes children of ours that aren't asked for any more. */
export async function prune(run: Run, prunable = PRUNABLE): Promise<void> {
  const { server, client, applier, signal, report } = run;
  for (const { resource, name, wanted, cause } of prunable) {
    if (wanted(run)) continue;
    const child = liveChild(run, resource, childNames(server.metadata.name)[name]);
    if (!child || !isOurs(server)(child) || child.metadata.deletionTimestamp !== undefined) continue;
    const { uid, resourceVersion } = child.metadata;
    try {
      // Only this very object, and only as it was seen: by its next version it may be somebody else's.
      await client.delete(resource, child.metadata, { uid, resourceVersion, signal });
      applier.forget(resource, child.metadata);
    } catch (error) {
      if (isPassing(error)) throw error;
      report.causes[cause] = fails(problemOf(error, `${resource.kind} ${keyOf(child.metadata)}`));
    }
  }
}
