import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parse, stringify } from 'yaml';
import { createKubeClient } from '../client.ts';
import type { KubeClient } from '../client.ts';
import type { KubeObject, Resource } from '../types.ts';

/** Kinds that the tests work on. */
export const kinds = {
  configMap: { group: '', version: 'v1', plural: 'configmaps', kind: 'ConfigMap', namespaced: true },
  secret: { group: '', version: 'v1', plural: 'secrets', kind: 'Secret', namespaced: true },
  service: { group: '', version: 'v1', plural: 'services', kind: 'Service', namespaced: true },
  namespace: { group: '', version: 'v1', plural: 'namespaces', kind: 'Namespace', namespaced: false },
  deployment: { group: 'apps', version: 'v1', plural: 'deployments', kind: 'Deployment', namespaced: true },
  role: { group: 'rbac.authorization.k8s.io', version: 'v1', plural: 'roles', kind: 'Role', namespaced: true },
  roleBinding: {
    group: 'rbac.authorization.k8s.io',
    version: 'v1',
    plural: 'rolebindings',
    kind: 'RoleBinding',
    namespaced: true,
  },
  crd: {
    group: 'apiextensions.k8s.io',
    version: 'v1',
    plural: 'customresourcedefinitions',
    kind: 'CustomResourceDefinition',
    namespaced: false,
  },
  widget: { group: 'example.com', version: 'v1', plural: 'widgets', kind: 'Widget', namespaced: true },
} as const satisfies Record<string, Resource>;

export interface ConfigMap extends KubeObject {
  data?: Record<string, string>;
}

/** A CRD for {@link kinds.widget}, with a status whose conditions merge by type. */
export const widgetCrd = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'widgets.example.com' },
  spec: {
    group: 'example.com',
    scope: 'Namespaced',
    names: { plural: 'widgets', singular: 'widget', kind: 'Widget', listKind: 'WidgetList' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        subresources: { status: {} },
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: {
              spec: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
              status: {
                type: 'object',
                properties: {
                  url: { type: 'string' },
                  replicas: { type: 'integer' },
                  conditions: {
                    type: 'array',
                    'x-kubernetes-list-type': 'map',
                    'x-kubernetes-list-map-keys': ['type'],
                    items: {
                      type: 'object',
                      required: ['type'],
                      properties: { type: { type: 'string' }, status: { type: 'string' }, message: { type: 'string' } },
                    },
                  },
                },
              },
            },
          },
        },
      },
    ],
  },
};

/** A client as the tests use it. */
export function testClient(kubeconfig: string, holder = 'test'): Promise<KubeClient> {
  return createKubeClient({ kubeconfig, userAgent: 'kube-test/0', holder });
}

/** `value`, which the test knows to be there. */
export function must<T>(value: T | null | undefined): T {
  if (value === undefined || value === null) throw new Error('what the test needs is missing');
  return value;
}

/** TCP sockets that this process has open. */
export function openSockets(): number {
  return process.getActiveResourcesInfo().filter((resource) => resource === 'TCPSocketWrap').length;
}

/** A client that acts as `user`, with that user's rights only. */
export async function clientAs(kubeconfig: string, user: string, holder = 'test'): Promise<KubeClient> {
  const config = parse(await readFile(kubeconfig, 'utf8')) as { users: { user: Record<string, unknown> }[] };
  for (const each of config.users) each.user['as'] = user;
  const file = join(dirname(kubeconfig), `as-${user.replaceAll(/[^a-z]/g, '-')}.kubeconfig`);
  await writeFile(file, stringify(config), { mode: 0o600 });
  return testClient(file, holder);
}
