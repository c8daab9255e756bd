import * as z from 'zod';
import type { ResourceType } from '../../kcp/discovery.ts';
import { KcpStatusError } from '../../kcp/errors.ts';
import { stringAt } from '../../kcp/json.ts';
import { placeName, resourcePath } from '../../kcp/paths.ts';
import { diffObjects } from '../../output/diff.ts';
import { presentable } from '../../output/redact.ts';
import { shorten, toolResult } from '../../output/text.ts';
import { toYaml } from '../../output/yaml.ts';
import { placeOf, workspaceArgument } from '../arguments.ts';
import { PartlyDoneError } from '../failures.ts';
import { defineTool } from '../tool.ts';
import type { Call } from '../tool.ts';
import { fieldManager, fieldValidation } from './apply.ts';
import { resolveKind } from './kind.ts';
import { parseManifests } from './manifest.ts';
import type { Manifest } from './manifest.ts';

export const resourcesCreateOrUpdate = defineTool({
  name: 'resources_create_or_update',
  toolset: 'core',
  title: 'Resources: Create or Update',
  description:
    'Create or update objects by server-side apply, from YAML or JSON: one object, or several separated by "---". Each is the complete desired state: ' +
    'a field that was set by this tool before and is missing now is removed; what others set stays. To edit an object, get it with resources_get, ' +
    'change it and apply it whole. With dryRun nothing is changed. The answer shows what changes as a diff; values of Secrets are not shown.',
  annotations: { destructiveHint: true, idempotentHint: true, openWorldHint: true },
  input: z.strictObject({
    workspace: workspaceArgument,
    resource: z
      .string()
      .min(1)
      .describe('YAML or JSON of the objects, each with apiVersion, kind, metadata.name and all of its spec'),
    dryRun: z.boolean().optional().describe('true: only show what would change'),
    force: z
      .boolean()
      .optional()
      .describe('Whether to take over fields that somebody else manages (default true); false: fail and name them'),
  }),
  async handle({ resource, dryRun = false, force = true, ...args }, call) {
    const workspace = placeOf(args.workspace, call);
    const manifests = parseManifests(resource);
    call.audit({ object: manifests.map(nameOf).join(', ') });
    const steps: Step[] = [];
    for (const manifest of manifests) {
      const type = await resolveKind(manifest, workspace, 'patch', call);
      const namespace = type.namespaced ? (manifest.namespace ?? 'default') : undefined;
      steps.push({ workspace, manifest, type, namespace, dryRun, force });
    }
    const actions = (verb: string) => steps.map((step) => ({ workspace, target: targetOf(step, verb) }));
    // What was there before is only shown: who may not see it can apply.
    await call.api.clear(actions('patch'), actions('get'));

    const done: string[] = [];
    for (const step of steps) {
      try {
        done.push(await apply(step, call));
      } catch (error) {
        throw done.length === 0 ? error : new PartlyDoneError(done.join('\n\n'), error);
      }
    }
    return toolResult(done.join('\n\n'));
  },
});

interface Step {
  readonly workspace: string | undefined;
  readonly manifest: Manifest;
  readonly type: ResourceType;
  readonly namespace: string | undefined;
  readonly dryRun: boolean;
  readonly force: boolean;
}

function targetOf({ type, namespace, manifest }: Step, verb: string) {
  return { verb, ...type, namespace, name: manifest.name };
}

/** Applies one object. @returns what came of it, for people. */
async function apply(step: Step, call: Call): Promise<string> {
  const { workspace, manifest, type, dryRun, force } = step;
  const before = await current(step, call);
  const warnings: string[] = [];
  const target = targetOf(step, 'patch');
  const after = await call.api.request({
    workspace,
    path: resourcePath(target),
    method: 'PATCH',
    query: {
      fieldManager: fieldManager(call),
      fieldValidation: fieldValidation(call),
      force,
      dryRun: dryRun ? 'All' : undefined,
    },
    headers: { 'content-type': 'application/apply-patch+yaml' },
    body: manifest.object,
    target,
    onWarning: (text) => warnings.push(`Warning: ${shorten(text, 300)}`),
  });
  if (!dryRun && type.group === 'tenancy.kcp.io') call.inventory.forget(call.principal);
  const where = `${type.kind} ${[step.namespace, manifest.name].filter((part) => part !== undefined).join('/')} in ${placeName(workspace)}`;
  const note = dryRun ? ' (dry run: nothing was changed)' : '';
  return [`${where}: ${outcome(before, after, type.kind, note)}`, ...warnings].join('\n');
}

/** What is there now; undefined where it is nothing, null where the caller may not see it. */
async function current(step: Step, call: Call): Promise<unknown> {
  const target = targetOf(step, 'get');
  try {
    return await call.api.request({ workspace: step.workspace, path: resourcePath(target), target });
  } catch (error) {
    if (error instanceof KcpStatusError && error.status === 404) return undefined;
    if (error instanceof KcpStatusError && error.status === 403) return null;
    throw error;
  }
}

function outcome(before: unknown, after: unknown, kind: string, note: string): string {
  if (before === undefined) return `created${note}\n${toYaml(presentable(after, kind))}`;
  if (before === null) return `applied${note}; what it was before may not be seen\n${toYaml(presentable(after, kind))}`;
  const diff = diffObjects(before, after, kind);
  if (diff === undefined)
    return `configured${note}; too much changes for a diff, so this is all of it\n${toYaml(presentable(after, kind))}`;
  if (diff === '') return `unchanged${note}`;
  return `configured${note}\n${diff}`;
}

const nameOf = ({ apiVersion, kind, namespace, name, object }: Manifest) =>
  `${kind} (${apiVersion}) ${namespace === undefined ? '' : `${namespace}/`}${stringAt(object, 'metadata', 'name') ?? name}`;
