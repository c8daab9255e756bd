// The ConfigMap that teaches Argo CD the health of a KcpMcpServer.
import { stringify } from 'yaml';
import { GROUP, KIND } from '../src/api/kcp-mcp-server.ts';

/** @param script of config/argocd/health.lua */
export const argocdConfigMap = (script: string): string =>
  '# Generated from health.lua by `npm run generate`; change it there. Server-side apply adds it to what is there already.\n' +
  stringify(
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'argocd-cm', namespace: 'argocd' },
      data: { [`resource.customizations.health.${GROUP}_${KIND}`]: script },
    },
    { lineWidth: 0 },
  );
