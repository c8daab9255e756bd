import { hiddenLabel } from './hidden.ts';

interface Column {
  name: string;
  type: string;
  jsonPath: string;
  description?: string;
}

interface Resource {
  group: string;
  kind: string;
  plural: string;
  /** Served versions; the last one is stored. */
  versions: string[];
  shortNames?: string[];
  /** Columns of `kubectl get` after the name. */
  columns: Column[];
  /** Schema of the whole object where more than "any object" matters. */
  properties?: Record<string, unknown>;
}

const age: Column = { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' };
const anything = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
const phase = 'The current phase (e.g. Scheduling, Initializing, Ready, Deleting)';

const resources: Resource[] = [
  {
    group: 'tenancy.kcp.io',
    kind: 'Workspace',
    plural: 'workspaces',
    versions: ['v1alpha1'],
    shortNames: ['ws'],
    columns: [
      { name: 'Type', type: 'string', jsonPath: '.spec.type.name', description: 'Type of the workspace' },
      { name: 'Region', type: 'string', jsonPath: ".metadata.labels['region']", description: 'The region this workspace is in' }, // prettier-ignore
      { name: 'Phase', type: 'string', jsonPath: '.status.phase', description: phase },
      { name: 'URL', type: 'string', jsonPath: '.spec.URL', description: 'URL to access the workspace' },
      age,
    ],
    properties: {
      spec: {
        ...anything,
        default: {},
        properties: { type: { ...anything, default: { name: 'universal', path: 'root' } } },
      },
      // A new Workspace is shown as Scheduling before anything has acted on it.
      status: { ...anything, default: {}, properties: { phase: { type: 'string', default: 'Scheduling' } } },
    },
  },
  { group: 'tenancy.kcp.io', kind: 'WorkspaceType', plural: 'workspacetypes', versions: ['v1alpha1'], columns: [age] },
  {
    group: 'core.kcp.io',
    kind: 'LogicalCluster',
    plural: 'logicalclusters',
    versions: ['v1alpha1'],
    columns: [
      { name: 'Phase', type: 'string', jsonPath: '.status.phase', description: phase },
      { name: 'URL', type: 'string', jsonPath: '.status.URL', description: 'URL to access the logical cluster' },
      age,
    ],
  },
  {
    group: 'apis.kcp.io',
    kind: 'APIBinding',
    plural: 'apibindings',
    versions: ['v1alpha1', 'v1alpha2'],
    columns: [age, { name: 'Ready', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].status' }],
  },
  { group: 'apis.kcp.io', kind: 'APIExport', plural: 'apiexports', versions: ['v1alpha1', 'v1alpha2'], columns: [age] },
  {
    group: 'apis.kcp.io',
    kind: 'APIExportEndpointSlice',
    plural: 'apiexportendpointslices',
    versions: ['v1alpha1'],
    columns: [
      { name: 'Export', type: 'string', jsonPath: '.spec.export.name' },
      { name: 'Partition', type: 'string', jsonPath: '.spec.partition' },
      age,
    ],
  },
  // Without behaviour here; they are part of what discovery shows.
  plain('tenancy.kcp.io', 'WorkspaceAuthenticationConfiguration'),
  plain('apis.kcp.io', 'APIConversion'),
  plain('apis.kcp.io', 'APIResourceSchema'),
  plain('cache.kcp.io', 'ClusterCachedResource'),
  plain('cache.kcp.io', 'ClusterCachedResourceEndpointSlice'),
  plain('topology.kcp.io', 'Partition'),
  plain('topology.kcp.io', 'PartitionSet'),
];

function plain(group: string, kind: string): Resource {
  return { group, kind, plural: `${kind.toLowerCase()}s`, versions: ['v1alpha1'], columns: [age] };
}

/** The CustomResourceDefinitions that make a generic control plane look like a kcp workspace: all cluster-scoped. */
export function kcpCRDs(): { metadata: { name: string }; [field: string]: unknown }[] {
  return resources.map((resource) => ({
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${resource.plural}.${resource.group}`, labels: { [hiddenLabel]: 'true' } },
    spec: {
      group: resource.group,
      scope: 'Cluster',
      names: {
        kind: resource.kind,
        listKind: `${resource.kind}List`,
        plural: resource.plural,
        singular: resource.kind.toLowerCase(),
        categories: ['kcp'],
        ...(resource.shortNames ? { shortNames: resource.shortNames } : {}),
      },
      versions: resource.versions.map((name, index) => ({
        name,
        served: true,
        storage: index === resource.versions.length - 1,
        subresources: { status: {} },
        additionalPrinterColumns: resource.columns,
        schema: {
          openAPIV3Schema: { ...anything, properties: resource.properties ?? { spec: anything, status: anything } },
        },
      })),
    },
  }));
}

/** Paths that all answer once the definitions are in force: of every collection, and of discovery, which comes later. */
export function kcpPaths(): string[] {
  const versions = resources.flatMap(({ group, versions }) => versions.map((version) => `/apis/${group}/${version}`));
  const collections = resources.flatMap(({ group, plural, versions }) =>
    versions.map((version) => `/apis/${group}/${version}/${plural}?limit=1`),
  );
  return [...new Set(versions), ...collections];
}
