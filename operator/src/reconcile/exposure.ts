/**
 * What exposes the Service beyond itself: an Ingress, or a route of the Gateway API. It is applied only where no other
 * KcpMcpServer has the name; how it is taken up is in exposed.ts.
 */
import { crdNameOf } from '../api/external.ts';
import { GATEWAY_GROUP } from '../api/gateway-api.ts';
import { keyOf, type Resource } from '../kube/index.ts';
import { exposing } from '../resources/index.ts';
import { waiting, type Problem } from './errors.ts';
import { holderOfName } from './hostnames.ts';
import { kindCacheOf, type Run } from './run.ts';
import { fails } from './status.ts';
import { applyChild } from './apply-child.ts';

/** Applies it, and says in the report what couldn't be. */
export async function applyExposure(run: Run): Promise<void> {
  const { server, report, caches } = run;
  const taken = nameTaken(run);
  if (taken) {
    report.causes.Exposed ??= fails(taken);
    return;
  }
  for (const { resource, object } of exposing(server)) {
    if (kindCacheOf(caches, resource).answered(object.metadata).phase === 'absent') {
      report.causes.Exposed ??= fails(notInstalled(resource));
      return;
    }
    if (!(await applyChild(run, 'Exposed', resource, () => object))) return;
  }
}

/** Whether the spec asks for this kind, and may have it. */
export const isExposedBy = (resource: Resource, run: Run): boolean =>
  exposing(run.server).some((wanted) => wanted.resource === resource) && nameTaken(run) === undefined;

/** Of the other one no more is told than what it takes to find it. */
function nameTaken({ server, caches }: Run): Problem | undefined {
  const holder = holderOfName(server, caches);
  if (!holder) return undefined;
  const { hostname, key } = holder;
  const field = hostname === server.spec.hostname ? 'spec.hostname' : 'spec.externalURL';
  return waiting(
    'HostnameTaken',
    `host name ${hostname} is exposed by KcpMcpServer ${keyOf(key)} already, in the same way: set another ${field}, or delete that one (kubectl -n ${key.namespace ?? ''} get kcpmcpserver ${key.name})`,
  );
}

function notInstalled(resource: Resource): Problem {
  const { version, kind, group } = resource;
  const cure =
    group === GATEWAY_GROUP
      ? 'install the Gateway API 1.5 or newer (standard channel), or use another field of spec.exposure'
      : 'install it';
  return waiting(
    'KindNotInstalled',
    `the cluster serves no ${crdNameOf(resource)} in version ${version} (${kind}): ${cure}`,
  );
}
