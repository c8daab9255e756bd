// The CustomResourceDefinition, made from the zod schema. Pure: operator/generate.ts writes it to crds/.
import * as z from 'zod';
import { GROUP, KIND, kcpMcpServerSchema, PLURAL, VERSION } from './kcp-mcp-server.ts';

/** An OpenAPI v3 schema in the structural form that CustomResourceDefinitions want. */
export interface StructuralSchema {
  type?: string;
  description?: string;
  properties?: Record<string, StructuralSchema>;
  items?: StructuralSchema;
  additionalProperties?: StructuralSchema;
  required?: string[];
  default?: unknown;
  enum?: string[];
  maxLength?: number;
  maxItems?: number;
  [key: string]: unknown;
}

const INT32_MIN = -(2 ** 31);
const INT32_MAX = 2 ** 31 - 1;

/** Bounds that only repeat what the JSON type or the format says already. */
const impliedBounds = new Set<unknown>([Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER, INT32_MIN, INT32_MAX]);

/** Turns one schema of zod's output, children done already, into what a structural schema may hold. */
function toStructural(schema: Record<string, unknown>): void {
  if (schema['x-kubernetes-int-or-string'] === true) delete schema['anyOf'];
  if (schema['x-kubernetes-preserve-unknown-fields'] === true) {
    delete schema['additionalProperties'];
    delete schema['properties'];
  }
  if (schema['type'] === 'integer') {
    if (schema['maximum'] !== undefined && Number(schema['maximum']) <= INT32_MAX) schema['format'] ??= 'int32';
    schema['format'] ??= 'int64';
    if (impliedBounds.has(schema['minimum'])) delete schema['minimum'];
    if (impliedBounds.has(schema['maximum'])) delete schema['maximum'];
  }
}

/** The default of an object with those of its fields filled in, children done already. */
function expandDefault(schema: StructuralSchema): void {
  for (const child of Object.values(schema.properties ?? {})) expandDefault(child);
  if (schema.items) expandDefault(schema.items);
  if (schema.default === undefined || !schema.properties) return;
  // The API server checks a default against the CEL rules as it is written, before the fields' own defaults apply.
  const fields = Object.entries(schema.properties).filter(([, child]) => child.default !== undefined);
  schema.default = { ...Object.fromEntries(fields.map(([name, child]) => [name, child.default])), ...schema.default };
}

/** The schema of a KcpMcpServer with apiVersion, kind and metadata. */
export function openAPISchema(): StructuralSchema {
  const generated = z.toJSONSchema(kcpMcpServerSchema, {
    target: 'openapi-3.0',
    io: 'input',
    override: ({ jsonSchema }) => {
      toStructural(jsonSchema);
    },
  }) as unknown as StructuralSchema;
  expandDefault(generated);
  return {
    ...generated,
    properties: {
      apiVersion: { type: 'string', description: `API group and version: ${GROUP}/${VERSION}.` },
      kind: { type: 'string', description: `Kind of the object: ${KIND}.` },
      metadata: { type: 'object' },
      ...generated.properties,
    },
  };
}

const readyCondition = (field: string) => `.status.conditions[?(@.type=="Ready")].${field}`;

/** Columns of `kubectl get`; those with priority 1 appear with `-o wide`. */
const columns = [
  {
    name: 'READY',
    type: 'string',
    jsonPath: readyCondition('status'),
    description: 'Whether the endpoint answers with the spec as it is.',
  },
  { name: 'URL', type: 'string', jsonPath: '.status.url', description: 'What assistants are pointed at.' },
  { name: 'REPLICAS', type: 'integer', jsonPath: '.status.readyReplicas', description: 'Pods that are ready.' },
  { name: 'AGE', type: 'date', jsonPath: '.metadata.creationTimestamp', description: 'Time since it was created.' },
  {
    name: 'ISSUER',
    type: 'string',
    jsonPath: '.status.oidc.issuer',
    priority: 1,
    description: "Issuer of the callers' tokens.",
  },
  { name: 'KCP', type: 'string', jsonPath: '.status.kubeconfig.server', priority: 1, description: 'URL of kcp.' },
  {
    // Not type date: kubectl shows those as an age, and a time to come as <invalid>.
    name: 'CERT-EXPIRY',
    type: 'string',
    jsonPath: '.status.certificate.notAfter',
    priority: 1,
    description: 'When the serving certificate expires.',
  },
  {
    name: 'REASON',
    type: 'string',
    jsonPath: readyCondition('reason'),
    priority: 1,
    description: 'Why it is ready or not.',
  },
];

/** The CustomResourceDefinition of KcpMcpServer. The same object at every call. */
export const customResourceDefinition = () => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: {
    name: `${PLURAL}.${GROUP}`,
    labels: { 'app.kubernetes.io/name': 'kcp-mcp-operator', 'app.kubernetes.io/part-of': 'kcp-mcp' },
  },
  spec: {
    group: GROUP,
    names: {
      kind: KIND,
      listKind: `${KIND}List`,
      plural: PLURAL,
      singular: KIND.toLowerCase(),
      shortNames: ['kcpmcp'],
      categories: ['kcp'],
    },
    scope: 'Namespaced',
    versions: [
      {
        name: VERSION,
        served: true,
        storage: true,
        subresources: {
          status: {},
          scale: {
            specReplicasPath: '.spec.deployment.replicas',
            statusReplicasPath: '.status.replicas',
            labelSelectorPath: '.status.selector',
          },
        },
        additionalPrinterColumns: columns,
        schema: { openAPIV3Schema: openAPISchema() },
      },
    ],
  },
});
