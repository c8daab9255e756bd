import { readFile } from 'node:fs/promises';
import { waitFor } from '../lib/wait.ts';
import type { AdmissionServer } from './admission.ts';
import { hiddenLabel } from './hidden.ts';
import { crdCollection, establishCRDs } from './crd-establishing.ts';
import { kcpPaths, kcpCRDs } from './crds.ts';
import { createObject, patchObject } from './objects.ts';
import type { KubeObject } from './objects.ts';
import { frontIdentity } from './plane-client.ts';
import type { PlaneClient } from './plane-client.ts';
import type { Plane } from './plane.ts';
import { adminGroup } from './pki.ts';
import { clusterAnnotation } from './workspace.ts';

const rbac = '/apis/rbac.authorization.k8s.io/v1';

/** Turns a new generic control plane into a workspace: kcp's kinds, rights and the annotation on every object. */
export async function bootstrapPlane(client: PlaneClient, plane: Plane, admission: AdmissionServer): Promise<void> {
  const create = (collection: string, object: object): Promise<unknown> =>
    createObject(client, plane, collection, object);
  await establishCRDs(client, plane);
  await Promise.all([
    create(
      '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations',
      await clusterWebhook(plane, admission),
    ),
    ...accessRoles().map(([collection, object]) => create(collection, object)),
    ...kcpCRDs().map((crd) => create(crdCollection, crd)),
  ]);
  await Promise.all([...kcpPaths().map((path) => served(client, plane, path)), webhookInForce(client, plane)]);
  await Promise.all(['default', 'kube-system'].map((name) => annotateNamespace(client, plane, name)));
}

/** kcp marks every object with its logical cluster; here a webhook does, so that lists and watches carry it, too. */
async function clusterWebhook(plane: Plane, admission: AdmissionServer): Promise<KubeObject> {
  const every = { apiVersions: ['*'], operations: ['CREATE', 'UPDATE'], resources: ['*'], scope: '*' };
  const caBundle = (await readFile(admission.caFile)).toString('base64');
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingWebhookConfiguration',
    metadata: { name: 'admission.kcp.io', labels: { [hiddenLabel]: 'true' } },
    webhooks: [
      {
        name: 'cluster-annotation.kcp.io',
        clientConfig: { url: admission.urlFor(plane.cluster), caBundle },
        rules: [{ ...every, apiGroups: ['*'] }],
        // Questions are not objects, and must be answered fast.
        matchConditions: [
          {
            name: 'objects',
            expression: '!(request.resource.group in ["authentication.k8s.io", "authorization.k8s.io"])',
          },
        ],
        matchPolicy: 'Exact',
        failurePolicy: 'Ignore',
        sideEffects: 'None',
        admissionReviewVersions: ['v1'],
        timeoutSeconds: 5,
      },
    ],
  };
}

/** kcp's admin may do everything; the service accounts of a workspace may enter it. */
function accessRoles(): [string, KubeObject][] {
  const apiVersion = 'rbac.authorization.k8s.io/v1';
  const bind = (name: string, role: string, group: string): [string, KubeObject] => [
    `${rbac}/clusterrolebindings`,
    {
      apiVersion,
      kind: 'ClusterRoleBinding',
      metadata: { name, labels: { [hiddenLabel]: 'true' } },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: group }],
    },
  ];
  const access = {
    apiVersion,
    kind: 'ClusterRole',
    metadata: { name: 'system:kcp:workspace:access', labels: { [hiddenLabel]: 'true' } },
    rules: [{ nonResourceURLs: ['/'], verbs: ['access'] }],
  };
  return [
    [`${rbac}/clusterroles`, access],
    bind('system:kcp:admin', 'cluster-admin', adminGroup),
    bind('system:kcp:serviceaccounts:access', access.metadata.name, 'system:serviceaccounts'),
  ];
}

async function served(client: PlaneClient, plane: Plane, path: string): Promise<void> {
  const answer = (): Promise<unknown> => client.json(plane.url, frontIdentity, { path });
  await waitFor(`${path} to be served`, answer, { deadlineMs: 60_000, intervalMs: 50 });
}

async function webhookInForce(client: PlaneClient, plane: Plane): Promise<void> {
  const probe = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'webhook-probe' } };
  const path = '/api/v1/namespaces?dryRun=All';
  const annotated = async (): Promise<boolean> => {
    const object = (await client.json(plane.url, frontIdentity, { method: 'POST', path, body: probe })) as KubeObject;
    return object.metadata.annotations?.[clusterAnnotation] === plane.cluster;
  };
  await waitFor('the admission webhook to be in force', annotated, { deadlineMs: 60_000, intervalMs: 50 });
}

/** The API server made it before there was a webhook. */
async function annotateNamespace(client: PlaneClient, plane: Plane, name: string): Promise<void> {
  const body = { metadata: { annotations: { 'bootstrap.kcp.io/create-only': 'true' } } };
  const annotate = (): Promise<unknown> => patchObject(client, plane, `/api/v1/namespaces/${name}`, body);
  await waitFor(`namespace ${name}`, annotate, { deadlineMs: 60_000, intervalMs: 50 });
}
