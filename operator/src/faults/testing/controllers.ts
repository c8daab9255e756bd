import { NAME } from '../../reconcile/testing/case.ts';
import type { FrontProxyCase } from '../../reconcile/testing/front-proxy.ts';

const CHILD = `${NAME}-mcp`;

/** What kcp-operator, cert-manager, the Deployment controller, an ingress controller and a gateway do where it is their turn. */
export async function playControllers(it: FrontProxyCase): Promise<void> {
  const minted = await it.find('Kubeconfig', it.minted, it.source);
  if (minted && !minted.status) await it.fill();

  const certificate = await it.find('Certificate', `${CHILD}-tls`);
  if (certificate && !certificate.status) await it.issueCertificate();

  const deployment = await it.find('Deployment', CHILD);
  const { observedGeneration } = (deployment?.status ?? {}) as { observedGeneration?: number };
  if (deployment && observedGeneration !== deployment.metadata.generation) {
    await it.runPods((deployment.spec as { replicas: number }).replicas);
  }

  const ingress = await it.find('Ingress', CHILD);
  if (ingress && !(ingress.status?.['loadBalancer'] as { ingress?: unknown } | undefined)?.ingress) {
    const status = { loadBalancer: { ingress: [{ ip: '192.0.2.1' }] } };
    await it.patch('Ingress', CHILD, { status }, { sub: '/status' });
  }

  const route = await it.find('TLSRoute', CHILD);
  if (route && !route.status) {
    const [parentRef] = (route.spec as { parentRefs: object[] }).parentRefs;
    const condition = { type: 'Accepted', status: 'True', reason: 'Accepted', message: '' };
    const conditions = [
      { ...condition, lastTransitionTime: new Date().toISOString(), observedGeneration: route.metadata.generation },
    ];
    const status = { parents: [{ parentRef, controllerName: 'example.com/gateway', conditions }] };
    await it.patch('TLSRoute', CHILD, { status }, { sub: '/status' });
  }
}
