/** Objects for the unit tests of this folder. */
import type { KcpMcpServer, KcpMcpServerSpec } from '../../api/kcp-mcp-server.ts';
import { API_VERSION, KIND, specSchema } from '../../api/kcp-mcp-server.ts';

export const NOW = new Date('2026-03-01T12:00:00.500Z');

export interface ServerOptions {
  spec?: Partial<Record<keyof KcpMcpServerSpec, unknown>>;
  status?: KcpMcpServer['status'];
  generation?: number;
}

/** The smallest KcpMcpServer, as an API server with our CRD returns it. */
export function testServer({ spec = {}, status, generation = 1 }: ServerOptions = {}): KcpMcpServer {
  return {
    apiVersion: API_VERSION,
    kind: KIND,
    metadata: { name: 'vespucci', namespace: 'kcp-mcp', uid: 'uid-1', resourceVersion: '1', generation },
    spec: specSchema.parse({
      hostname: 'mcp.vespucci.example.com',
      kcp: { kubeconfigRef: { name: 'kcp-mcp-kubeconfig', namespace: 'kcp-vespucci' } },
      auth: { oidc: { issuerURL: 'https://auth.example.com', audience: 'platform-mesh' } },
      tls: { issuerRef: { name: 'letsencrypt-prod', kind: 'ClusterIssuer' } },
      ...spec,
    }),
    ...(status && { status }),
  };
}
