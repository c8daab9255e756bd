import * as z from 'zod';
import { KcpStatusError } from '../../kcp/errors.ts';
import { stringAt } from '../../kcp/json.ts';
import { parseWorkspace, resourcePath } from '../../kcp/paths.ts';
import { oneLine, toolResult } from '../../output/text.ts';
import { workspaceOf } from '../arguments.ts';
import { fieldManager, fieldValidation } from '../core/apply.ts';
import { ToolError, defineTool } from '../tool.ts';
import type { Call } from '../tool.ts';
import { WORKSPACE } from './kinds.ts';
import { poll } from './poll.ts';

const output = z.object({
  workspace: z.string().describe('Path of the new workspace: what to give as workspace argument'),
  cluster: z.string().optional().describe('Its logical-cluster id'),
  phase: z.string().optional(),
  url: z.string().optional(),
  ready: z.boolean().describe('Whether it can be used'),
});

export const workspaceCreate = defineTool({
  name: 'kcp_workspace_create',
  toolset: 'kcp',
  title: 'kcp: Workspace Create',
  description:
    'Create a kcp workspace below another one, and wait until it can be used. Which types there are: kcp_workspace_types_list (usually in root).',
  annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: true },
  input: z.strictObject({
    workspace: z
      .string()
      .optional()
      .describe("Parent of the new workspace: a path or logical-cluster id. Default: this server's default workspace"),
    name: z
      .string()
      .max(63)
      .regex(/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/, 'must be lower-case letters, digits and "-", such as team-a')
      .describe('Name of the new workspace within its parent'),
    type: z
      .string()
      .max(512)
      .optional()
      .describe(
        "Its WorkspaceType, with the workspace that defines it: root:universal. Default: the parent's own default",
      ),
    wait: z.boolean().optional().describe('false: answer at once, without waiting until it can be used'),
  }),
  output,
  touches: [WORKSPACE],
  kcpOnly: true,
  async handle({ name, type, wait = true, ...args }, call) {
    const parent = workspaceOf(args.workspace, call);
    call.audit({ object: `Workspace ${name}` });
    const target = { verb: 'create', ...WORKSPACE, name };
    const seeing = { workspace: parent, target: { verb: 'get', ...WORKSPACE, name } };
    await call.api.clear([{ workspace: parent, target }, ...(wait ? [seeing] : [])]);
    const created = await call.api.request({
      workspace: parent,
      path: resourcePath({ ...WORKSPACE }),
      method: 'POST',
      query: { fieldManager: fieldManager(call), fieldValidation: fieldValidation(call) },
      body: {
        apiVersion: `${WORKSPACE.group}/${WORKSPACE.version}`,
        kind: WORKSPACE.kind,
        metadata: { name },
        spec: type === undefined ? {} : { type: typeReference(type) },
      },
      target,
    });
    call.inventory.forget(call.principal);
    const path = `${parent}:${name}`;
    if (!wait) return answer(path, created, false);
    const { seen, done } = await untilUsable(path, { parent, name }, call);
    call.inventory.forget(call.principal);
    return answer(path, seen.object, done);
  },
});

interface Seen {
  readonly object: unknown;
  readonly enterable: boolean;
}

/** Ready, and open to whoever made it: kcp grants that a moment later. */
async function untilUsable(path: string, { parent, name }: { parent: string; name: string }, call: Call) {
  let steps = 0;
  let told = '';
  const target = { verb: 'get', ...WORKSPACE, name };
  return poll<Seen>(
    call,
    async () => {
      const object = await call.api.request({ workspace: parent, path: resourcePath(target), target });
      const phase = stringAt(object, 'status', 'phase') ?? 'Scheduling';
      const enterable = phase === 'Ready' && (await isOpen(path, call));
      const state = phase === 'Ready' && !enterable ? 'Ready, not open yet' : oneLine(phase);
      if (state !== told) call.progress({ done: (steps += 1), message: `Workspace ${path}: ${state}` });
      told = state;
      return { object, enterable };
    },
    ({ enterable }) => enterable,
  );
}

/** kcp's front learns of a new workspace later than its parent: until then there is none (404). */
async function isOpen(path: string, call: Call): Promise<boolean> {
  try {
    return await call.api.mayEnter(path);
  } catch (error) {
    if (error instanceof KcpStatusError && error.status === 404) return false;
    throw error;
  }
}

function typeReference(text: string): { name: string; path?: string } {
  const parsed = parseWorkspace(text);
  const colon = parsed.lastIndexOf(':');
  if (colon === -1) {
    throw new ToolError(
      `type ${JSON.stringify(text)} does not say which workspace defines it: write for instance "root:${text}".`,
      'invalid',
    );
  }
  return { name: parsed.slice(colon + 1), path: parsed.slice(0, colon) };
}

function answer(path: string, object: unknown, ready: boolean) {
  const cluster = stringAt(object, 'spec', 'cluster');
  const phase = stringAt(object, 'status', 'phase');
  const url = stringAt(object, 'spec', 'URL');
  const structured = {
    workspace: path,
    ...(cluster !== undefined && { cluster }),
    ...(phase !== undefined && { phase }),
    ...(url !== undefined && { url }),
    ready,
  };
  const text = ready
    ? `Workspace ${path} was created and can be used (logical cluster ${oneLine(cluster ?? '-')}).`
    : `Workspace ${path} was created and is in phase ${oneLine(phase ?? 'Scheduling')}: it can't be used yet. kcp_workspace_describe tells when it is Ready.`;
  return toolResult(text, structured);
}
