import * as z from 'zod';
import { arrayAt, isObject, stringAt } from '../../kcp/json.ts';
import { checkName, formatApiVersion, parseWorkspace, resourcePath } from '../../kcp/paths.ts';
import { oneLine, shorten, toolResult } from '../../output/text.ts';
import { workspaceArgument, workspaceOf } from '../arguments.ts';
import { fieldManager, fieldValidation } from '../core/apply.ts';
import { defineTool } from '../tool.ts';
import type { Call } from '../tool.ts';
import { boundResources } from './apibindings-list.ts';
import { API_BINDING, API_EXPORT, resolveApiKind } from './kinds.ts';
import { poll } from './poll.ts';

const output = z.object({
  workspace: z.string(),
  name: z.string().describe('Name of the APIBinding'),
  phase: z.string().optional(),
  bound: z.boolean(),
  resources: z.string().optional().describe('What the workspace serves now because of it'),
  problem: z.string().optional().describe('What keeps it from being bound'),
});

export const apibindingCreate = defineTool({
  name: 'kcp_apibinding_create',
  toolset: 'kcp',
  title: 'kcp: API Binding Create',
  description:
    'Bind an API in a kcp workspace: create an APIBinding to an APIExport of another workspace, and wait until its resources are served. Which exports there are: kcp_apiexports_list.',
  annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: true },
  input: z.strictObject({
    workspace: workspaceArgument,
    exportPath: z.string().max(512).describe('Workspace of the APIExport: a path such as root:apis'),
    exportName: z.string().describe('Name of the APIExport'),
    name: z.string().optional().describe("Name of the APIBinding; default: the export's"),
    acceptPermissionClaims: z
      .boolean()
      .optional()
      .describe(
        'Whether its provider may access the objects in this workspace that the export claims (default false). true needs the right to read the export',
      ),
    wait: z.boolean().optional().describe('false: answer at once, without waiting until it is bound'),
  }),
  output,
  touches: [API_BINDING],
  kcpOnly: true,
  async handle({ exportName, acceptPermissionClaims = false, wait = true, ...args }, call) {
    const workspace = workspaceOf(args.workspace, call);
    const path = parseWorkspace(args.exportPath);
    checkName(exportName, 'exportName');
    const name = checkName(args.name ?? exportName, 'name');
    call.audit({ object: `APIBinding ${name}` });
    const type = await resolveApiKind(API_BINDING.kind, workspace, call);
    const creating = { verb: 'create', ...type, name };
    const target = { verb: 'get', ...type, name };
    await call.api.clear([{ workspace, target: creating }, ...(wait ? [{ workspace, target }] : [])]);
    const claims = acceptPermissionClaims ? await claimsOf(path, exportName, call) : [];
    const created = await call.api.request({
      workspace,
      path: resourcePath({ ...type }),
      method: 'POST',
      query: { fieldManager: fieldManager(call), fieldValidation: fieldValidation(call) },
      body: {
        apiVersion: formatApiVersion(type),
        kind: type.kind,
        metadata: { name },
        spec: {
          reference: { export: { path, name: exportName } },
          ...(claims.length > 0 && { permissionClaims: claims.map((claim) => accepted(claim, type.version)) }),
        },
      },
      target: creating,
    });
    if (!wait) return answer(workspace, name, created);
    let told = '';
    let steps = 0;
    const { seen } = await poll(
      call,
      async () => {
        const binding = await call.api.request({ workspace, path: resourcePath(target), target });
        const phase = oneLine(stringAt(binding, 'status', 'phase') ?? 'not seen by kcp yet');
        if (phase !== told) call.progress({ done: (steps += 1), message: `APIBinding ${name}: ${phase}` });
        told = phase;
        return binding;
      },
      isBound,
    );
    // What the workspace serves has changed.
    for (const bound of arrayAt(seen, 'status', 'boundResources')) {
      const group = stringAt(bound, 'group') ?? '';
      for (const version of arrayAt(bound, 'storageVersions')) {
        if (typeof version === 'string') {
          call.discovery.forget({ workspace, groupVersion: { group, version }, principal: call.principal });
        }
      }
    }
    return answer(workspace, name, seen);
  },
});

const isBound = (binding: unknown) => stringAt(binding, 'status', 'phase') === 'Bound';

/** What the export wants to access in workspaces that bind it. */
async function claimsOf(workspace: string, name: string, call: Call) {
  const type = await resolveApiKind(API_EXPORT.kind, workspace, call);
  const target = { verb: 'get', ...type, name };
  const api = await call.api.request({ workspace, path: resourcePath(target), target });
  return arrayAt(api, 'spec', 'permissionClaims').filter(isObject);
}

/** v1alpha2 wants to be told which objects: all of them, as v1alpha1 has it. */
function accepted(claim: object, version: string): object {
  return {
    ...claim,
    state: 'Accepted',
    ...(version === 'v1alpha1' ? { all: true } : { selector: { matchAll: true } }),
  };
}

function answer(workspace: string, name: string, binding: unknown) {
  const phase = stringAt(binding, 'status', 'phase');
  const resources = boundResources(binding);
  const bound = isBound(binding);
  const failed = arrayAt(binding, 'status', 'conditions').find(
    (condition) => stringAt(condition, 'status') === 'False',
  );
  const problem =
    failed === undefined
      ? undefined
      : shorten(`${stringAt(failed, 'reason') ?? ''}: ${stringAt(failed, 'message') ?? ''}`, 500);
  const structured = {
    workspace,
    name,
    ...(phase !== undefined && { phase: oneLine(phase) }),
    bound,
    ...(resources !== undefined && { resources: shorten(resources, 2_000) }),
    ...(problem !== undefined && !bound && { problem }),
  };
  const text = bound
    ? `APIBinding ${name} in workspace ${workspace} is bound. Served now: ${shorten(resources ?? '-', 2_000)}.`
    : `APIBinding ${name} in workspace ${workspace} was created, and is not bound yet (phase ${oneLine(phase ?? '-')}).` +
      (problem === undefined ? ' kcp_apibindings_list tells when it is.' : ` ${problem}`);
  return toolResult(text, structured);
}
