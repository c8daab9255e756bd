import { randomInt } from 'node:crypto';
import * as z from 'zod';
import { checkName, resourcePath } from '../../kcp/paths.ts';
import { presentable } from '../../output/redact.ts';
import { shorten, toolResult } from '../../output/text.ts';
import { toYaml } from '../../output/yaml.ts';
import { optionalName, placeOf, workspaceArgument } from '../arguments.ts';
import { PartlyDoneError } from '../failures.ts';
import { defineTool } from '../tool.ts';
import type { Call } from '../tool.ts';
import { DEFAULT_NAMESPACE, POD, SERVICE } from './pods.ts';
import { labelsOfRun } from './run-labels.ts';

/** RFC 1035 label: the strictest of what the name has to be, as it names Pod, container, label and Service. */
const LABEL = /^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/;

export const podsRun = defineTool({
  name: 'pods_run',
  toolset: 'core',
  title: 'Pods: Run',
  description:
    'Run a container image in a new Pod, and make a Service for it where a port is given. Nothing that exists is changed. ' +
    'pods_delete removes both.',
  annotations: { readOnlyHint: false, destructiveHint: false, openWorldHint: true },
  input: z.strictObject({
    workspace: workspaceArgument,
    image: z
      .string()
      .max(1024)
      .regex(/^[\x21-\x7e]+$/, 'must be an image reference, such as nginx:1.29')
      .describe(
        'Image to run. When it is pulled is left to the cluster: always for the tag latest, else if the node lacks it',
      ),
    name: optionalName('Name of the Pod (default: one made up, kcp-mcp-run-…)').refine(
      (name) => name === undefined || LABEL.test(name),
      'must be at most 63 lower-case letters, digits and "-", beginning with a letter',
    ),
    namespace: optionalName(`Namespace to run it in (default: "${DEFAULT_NAMESPACE}")`),
    port: z
      .number()
      .refine(Number.isInteger, 'must be a whole number')
      .min(1)
      .max(65535)
      .optional()
      .describe('TCP port of the container; a Service of the same name serves it'),
  }),
  touches: [POD, SERVICE],
  async handle({ image, port, name = inventName(), namespace = DEFAULT_NAMESPACE, ...args }, call) {
    const workspace = placeOf(args.workspace, call);
    checkName(namespace, 'namespace');
    call.audit({ object: `Pod (v1) ${namespace}/${name}` });
    const place = { workspace, namespace, name };
    const pod = podManifest(place, image, port);
    const service = port === undefined ? undefined : serviceManifest(place, port);

    const kinds = service === undefined ? [POD] : [POD, SERVICE];
    await call.api.clear(kinds.map((kind) => ({ workspace, target: { verb: 'create', ...kind, namespace, name } })));
    const warnings = new Set<string>();
    // What would be refused is refused before the Pod is there.
    if (service !== undefined) await create(SERVICE, service, place, call, { dryRun: 'All' });
    const made = [await create(POD, pod, place, call, { onWarning: (text) => warnings.add(text) })];
    if (service !== undefined) {
      made.push(
        await create(SERVICE, service, place, call, {}).catch((error: unknown) => {
          throw new PartlyDoneError(`Pod ${namespace}/${name} was created. pods_delete removes it.`, error);
        }),
      );
    }
    const notes = [...warnings].map((text) => `# Warning: ${shorten(text, 500)}`);
    const title = '# The following resources (YAML) have been created';
    return toolResult([title, ...notes, toYaml(presentable(made))].join('\n'));
  },
});

interface Place {
  readonly workspace: string | undefined;
  readonly namespace: string;
  readonly name: string;
}

/** Created, not applied: an object of that name that is there already is somebody's. */
function create(
  kind: typeof POD | typeof SERVICE,
  body: object,
  { workspace, namespace, name }: Place,
  call: Call,
  { dryRun, onWarning }: { readonly dryRun?: string; readonly onWarning?: (text: string) => void },
): Promise<unknown> {
  return call.api.request({
    workspace,
    path: resourcePath({ ...kind, namespace }),
    method: 'POST',
    query: { fieldManager: call.config.toolset_configs.kcp.field_manager, dryRun },
    body,
    target: { verb: 'create', ...kind, namespace, name },
    onWarning,
  });
}

function podManifest({ namespace, name }: Place, image: string, port: number | undefined): object {
  const container = { name, image, ...(port !== undefined && { ports: [{ containerPort: port }] }) };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, labels: labelsOfRun(name) },
    spec: { containers: [container] },
  };
}

function serviceManifest({ namespace, name }: Place, port: number): object {
  const labels = labelsOfRun(name);
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace, labels },
    spec: { type: 'ClusterIP', selector: labels, ports: [{ port, targetPort: port }] },
  };
}

/** As Kubernetes makes up names: nothing that spells a word, nothing that looks like another. */
const LETTERS = 'bcdfghjklmnpqrstvwxz2456789';

function inventName(): string {
  return `kcp-mcp-run-${Array.from({ length: 5 }, () => LETTERS[randomInt(LETTERS.length)]).join('')}`;
}
