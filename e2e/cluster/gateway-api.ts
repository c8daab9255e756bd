import { join } from 'node:path';
import { moduleFolder } from './toolchain.ts';

/** Files with Gateway API's CRDs that the operator has to do with, of the standard channel: by plural. */
export async function gatewayAPICRDs(): Promise<Record<'httproutes' | 'tlsroutes' | 'backendtlspolicies', string>> {
  const folder = join(await moduleFolder('crds', 'sigs.k8s.io/gateway-api'), 'config/crd/standard');
  const file = (plural: string) => join(folder, `gateway.networking.k8s.io_${plural}.yaml`);
  return {
    httproutes: file('httproutes'),
    tlsroutes: file('tlsroutes'),
    backendtlspolicies: file('backendtlspolicies'),
  };
}
