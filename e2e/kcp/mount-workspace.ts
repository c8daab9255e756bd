import { waitFor } from '../lib/wait.ts';
import type { AdminClient } from './admin-client.ts';
import { workspacesCollection } from './workspace.ts';
import type { Workspace } from './workspace.ts';

/** Mounts the API server at `url` as a workspace, by an object of a kind made for that. */
export async function mountWorkspace(admin: AdminClient, parent: string, name: string, url: string): Promise<void> {
  const group = 'mounts.example.com';
  const anything = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
  const post = (path: string, body: object) =>
    waitFor(path, () => admin.request(parent, path, { method: 'POST', body }), { deadlineMs: 30_000 });
  await post('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `servers.${group}` },
    spec: {
      group,
      scope: 'Cluster',
      names: { kind: 'Server', listKind: 'ServerList', plural: 'servers', singular: 'server' },
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          schema: { openAPIV3Schema: { type: 'object', properties: { status: anything } } },
        },
      ],
    },
  });
  await post(`/apis/${group}/v1/servers`, {
    apiVersion: `${group}/v1`,
    kind: 'Server',
    metadata: { name },
    status: { URL: url, phase: 'Ready' },
  });
  await post(workspacesCollection, {
    apiVersion: 'tenancy.kcp.io/v1alpha1',
    kind: 'Workspace',
    metadata: { name },
    spec: { mount: { ref: { apiVersion: `${group}/v1`, kind: 'Server', name } } },
  });
  const ready = async (): Promise<boolean> =>
    ((await admin.request(parent, `${workspacesCollection}/${name}`)) as Workspace).status?.phase === 'Ready';
  await waitFor('the mount to be Ready', ready, { deadlineMs: 30_000 });
}
