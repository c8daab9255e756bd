import { NAME } from '../../reconcile/testing/case.ts';
import type { FrontProxyCase } from '../../reconcile/testing/front-proxy.ts';

const CHILD = `${NAME}-mcp`;

const TOKEN = { token: 'dG9rZW4' };

/** What kcp-operator, cert-manager, the Deployment controller, an ingress controller and a gateway do where it is their turn. */
export async function playControllers(it: FrontProxyCase): Promise<void> {
  const minted = await it.find('Kubeconfig', it.minted, it.source);
  if (minted && !minted.status) await it.fill();
  const forIndex = it.minted.replace('kcp-mcp.', 'kcp-mcp-index.');
  const mintedForIndex = await it.find('Kubeconfig', forIndex, it.source);
  if (mintedForIndex && !mintedForIndex.status) await it.fill(forIndex, 'kcp-mcp-index', TOKEN);

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

  for (const kind of ['TLSRoute', 'HTTPRoute', 'BackendTLSPolicy']) await playGateway(it, kind);
}

async function playGateway(it: FrontProxyCase, kind: string): Promise<void> {
  const object = await it.find(kind, CHILD).catch(() => undefined);
  if (!object || object.status) return;
  const condition = { type: 'Accepted', status: 'True', reason: 'Accepted', message: '' };
  const observedGeneration = object.metadata.generation;
  const conditions = [{ ...condition, lastTransitionTime: new Date().toISOString(), observedGeneration }];
  const answer = { controllerName: 'example.com/gateway', conditions };
  const parent = { name: 'public', group: 'gateway.networking.k8s.io', kind: 'Gateway' };
  const status =
    kind === 'BackendTLSPolicy'
      ? { ancestors: [{ ...answer, ancestorRef: parent }] }
      : { parents: [{ ...answer, parentRef: parent }] };
  await it.patch(kind, CHILD, { status }, { sub: '/status' });
}
