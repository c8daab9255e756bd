/** What ingress controllers and gateways write, written by a test. */
import { NAME, type Case } from './case.ts';

/** A Gateway that nobody looks for: only its answers count. */
export const PARENT = { name: 'public', namespace: 'gateways' };
/** The reference to it, as a route holds it. */
export const PARENT_REF = { group: 'gateway.networking.k8s.io', kind: 'Gateway', ...PARENT };

export const CHILD = `${NAME}-mcp`;

export async function setAddress(it: Case): Promise<void> {
  await it.child('Ingress', 'mcp');
  await it.patch(
    'Ingress',
    CHILD,
    { status: { loadBalancer: { ingress: [{ ip: '192.0.2.1' }] } } },
    { sub: '/status' },
  );
}

interface Answer {
  type: string;
  status: 'True' | 'False' | 'Unknown';
  reason: string;
  message?: string;
}

/** The answer of the Gateway to a route or policy: that it is accepted, unless told otherwise. */
export async function answer(
  it: Case,
  kind: 'TLSRoute' | 'HTTPRoute' | 'BackendTLSPolicy',
  given?: Answer,
): Promise<void> {
  const { metadata } = await it.child(kind, 'mcp');
  const condition = {
    ...{ type: 'Accepted', status: 'True', reason: 'Accepted', message: '' },
    ...given,
    ...{ lastTransitionTime: new Date().toISOString(), observedGeneration: metadata.generation },
  };
  const common = { controllerName: 'example.com/gateway', conditions: [condition] };
  const status =
    kind === 'BackendTLSPolicy'
      ? { ancestors: [{ ...common, ancestorRef: PARENT_REF }] }
      : { parents: [{ ...common, parentRef: PARENT_REF }] };
  await it.patch(kind, CHILD, { status }, { sub: '/status' });
}
