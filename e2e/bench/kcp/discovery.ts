import { kcpCRDs } from '../../kcp/crds.ts';
import { recordedBody } from './recordings.ts';

interface ApiResource {
  name: string;
  singularName: string;
  namespaced: boolean;
  kind: string;
  verbs: string[];
  shortNames?: string[];
}

/** What the synthetic kcp tells of its APIs, the same in every workspace. */
export interface Discovery {
  /** `/api` and `/apis`, as recorded: the first aggregated, the second a plain list of groups. */
  core: unknown;
  groups: unknown;
  /** `/api/v1`, `/apis/GROUP/VERSION` and what is there. */
  versions: Map<string, unknown>;
}

interface AggregatedCore {
  items: {
    versions: {
      resources: {
        resource: string;
        singularResource: string;
        scope: string;
        responseKind: { kind: string };
        verbs: string[];
        shortNames?: string[];
      }[];
    }[];
  }[];
}

interface GroupList {
  groups: { versions: { groupVersion: string }[] }[];
}

const all = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];

/** Kubernetes' own kinds beyond the core group, as kcp serves them. */
const builtIn: Record<string, ApiResource[]> = {
  'authentication.k8s.io/v1': [review('TokenReview'), review('SelfSubjectReview')],
  'authorization.k8s.io/v1': ['SubjectAccessReview', 'SelfSubjectAccessReview', 'SelfSubjectRulesReview'].map(review),
  'certificates.k8s.io/v1': [resource('CertificateSigningRequest', false, ['csr'])],
  'coordination.k8s.io/v1': [resource('Lease', true)],
  'rbac.authorization.k8s.io/v1': [
    resource('ClusterRoleBinding', false),
    resource('ClusterRole', false),
    resource('RoleBinding', true),
    resource('Role', true),
  ],
  'admissionregistration.k8s.io/v1': [
    resource('MutatingWebhookConfiguration', false),
    { ...resource('ValidatingAdmissionPolicy', false), name: 'validatingadmissionpolicies' },
    resource('ValidatingAdmissionPolicyBinding', false),
    resource('ValidatingWebhookConfiguration', false),
  ],
  'events.k8s.io/v1': [resource('Event', true, ['ev'])],
  'apiextensions.k8s.io/v1': [resource('CustomResourceDefinition', false, ['crd', 'crds'])],
};

export function discovery(address: string): Discovery {
  const core = recordedBody('discovery-core-aggregated');
  const groups = JSON.parse(
    JSON.stringify(recordedBody('discovery-aggregated')).replaceAll('<address>', address),
  ) as GroupList;
  const versions = new Map<string, unknown>([['/api/v1', listOf('v1', coreResources(core as AggregatedCore))]]);
  for (const { groupVersion } of groups.groups.flatMap((group) => group.versions)) {
    const resources = builtIn[groupVersion] ?? kcpResources(groupVersion);
    versions.set(`/apis/${groupVersion}`, listOf(groupVersion, resources));
  }
  return { core, groups, versions };
}

function listOf(groupVersion: string, resources: ApiResource[]): unknown {
  return { kind: 'APIResourceList', apiVersion: 'v1', groupVersion, resources };
}

function coreResources(aggregated: AggregatedCore): ApiResource[] {
  const [version] = aggregated.items.flatMap((item) => item.versions);
  return (version?.resources ?? []).map(
    ({ resource: name, singularResource, scope, responseKind, verbs, ...rest }) => ({
      name,
      singularName: singularResource,
      namespaced: scope === 'Namespaced',
      kind: responseKind.kind,
      verbs,
      ...rest,
    }),
  );
}

function kcpResources(groupVersion: string): ApiResource[] {
  return kcpCRDs().flatMap(({ spec }) => {
    const { group, names, versions } = spec as {
      group: string;
      names: { plural: string; singular: string; kind: string; shortNames?: string[] };
      versions: { name: string }[];
    };
    if (!versions.some(({ name }) => `${group}/${name}` === groupVersion)) return [];
    const { plural: name, singular: singularName, kind, shortNames } = names;
    const found = { name, singularName, namespaced: false, kind, verbs: all };
    return [shortNames ? { ...found, shortNames } : found];
  });
}

function resource(kind: string, namespaced: boolean, shortNames?: string[]): ApiResource {
  const singularName = kind.toLowerCase();
  const found = { name: `${singularName}s`, singularName, namespaced, kind, verbs: all };
  return shortNames ? { ...found, shortNames } : found;
}

function review(kind: string): ApiResource {
  return { ...resource(kind, false), verbs: ['create'] };
}
