import type { KubeObject } from '../types.ts';

export interface Container {
  name: string;
  image?: string;
  args?: string[];
  env?: { name: string; value?: string }[];
}

export interface Deployment extends KubeObject {
  spec: {
    replicas?: number;
    template: {
      metadata: { labels?: Record<string, string>; annotations?: Record<string, string> };
      spec: {
        containers: Container[];
        [field: string]: unknown;
      };
    };
    [field: string]: unknown;
  };
}

/** Full of what the API server normalises: quantities, int-or-string, defaulted keys, empties, sets and atomic lists. */
export function deployment(name: string): Deployment {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: 'default', labels: { 'managed-by': 'test', app: name } },
    spec: {
      selector: { matchLabels: { app: name } },
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge: '25%' } },
      template: {
        metadata: { labels: { app: name }, annotations: { hash: 'a' } },
        spec: {
          automountServiceAccountToken: false,
          securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
          hostAliases: [{ ip: '10.0.0.1', hostnames: ['kcp.example.com'] }],
          tolerations: [{ key: 'a', operator: 'Exists' }],
          nodeSelector: {},
          imagePullSecrets: [{ name: 'pull' }],
          containers: [
            {
              name: 'main',
              image: 'example.com/a:1',
              args: ['--config', '/etc/a'],
              env: [
                { name: 'A', value: '1' },
                { name: 'EMPTY' },
                { name: 'B', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
              ],
              ports: [
                { name: 'https', containerPort: 8443 },
                { name: 'dns', containerPort: 53, protocol: 'UDP' },
              ],
              resources: { requests: { cpu: '0.1', memory: '131072Ki' }, limits: { memory: '128Mi' } },
              readinessProbe: { httpGet: { path: '/readyz', port: 'https' }, periodSeconds: 5 },
              volumeMounts: [
                { name: 'tmp', mountPath: '/tmp' },
                { name: 'config', mountPath: '/etc/a', readOnly: true },
              ],
            },
          ],
          volumes: [
            { name: 'tmp', emptyDir: {} },
            { name: 'config', configMap: { name: 'a', defaultMode: 288 } },
          ],
        },
      },
    },
  } as unknown as Deployment;
}
