import * as z from 'zod';
import { KcpStatusError } from '../../kcp/errors.ts';
import { arrayAt, stringAt } from '../../kcp/json.ts';
import { resourcePath } from '../../kcp/paths.ts';
import { restOf } from '../../output/paginate.ts';
import { count, toolResult } from '../../output/text.ts';
import { workspaceOf } from '../arguments.ts';
import { ToolError, defineTool } from '../tool.ts';
import type { Call } from '../tool.ts';
import { WORKSPACE } from './kinds.ts';
import { placeInParent } from './place.ts';

export const workspaceDelete = defineTool({
  name: 'kcp_workspace_delete',
  toolset: 'kcp',
  title: 'kcp: Workspace Delete',
  description:
    'Delete a kcp workspace with everything in it, all workspaces below it included. It has to be confirmed: by the user, where the client can ask, else by giving its name as confirm.',
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: true },
  input: z.strictObject({
    workspace: z.string().describe('Path or logical-cluster id of the workspace to delete'),
    confirm: z
      .string()
      .max(63)
      .optional()
      .describe(
        "Its name (the last part of its path), where the client can't ask the user. Only after the user has agreed",
      ),
  }),
  touches: [WORKSPACE],
  kcpOnly: true,
  async handle(args, call) {
    const workspace = workspaceOf(args.workspace, call);
    const place = await placeInParent(workspace, call);
    if (place === undefined) {
      throw new ToolError(
        `Workspace ${workspace} has no Workspace object above it that could be deleted: it is the root, or a home workspace.`,
        'invalid',
      );
    }
    const { path, parent, name } = place;
    call.audit({ object: `Workspace ${name}` });
    const target = { ...WORKSPACE, name };
    const object = await call.api.request({
      workspace: parent,
      path: resourcePath(target),
      target: { verb: 'get', ...target },
    });
    const uid = stringAt(object, 'metadata', 'uid');
    await call.api.clear([{ workspace: parent, target: { verb: 'delete', ...target } }]);
    const content = await describeContent(path, call);
    const message = `Delete workspace ${path}${content} with everything in it? This can't be undone.`;
    const confirmed = call.confirm({ id: `delete ${uid ?? path}`, message, type: name });
    if (!confirmed && args.confirm !== name) {
      throw new ToolError(
        `${args.confirm === undefined ? 'Not confirmed' : `confirm is not ${JSON.stringify(name)}`}: nothing was deleted. ` +
          `Workspace ${path}${content} would go with everything in it, and can't be brought back. Ask the user; if they agree, call again with confirm: ${JSON.stringify(name)}.`,
        'unconfirmed',
      );
    }
    const answer = await call.api.request({
      workspace: parent,
      path: resourcePath(target),
      method: 'DELETE',
      // The one that was confirmed, not one that has taken its name since.
      body: { apiVersion: 'v1', kind: 'DeleteOptions', ...(uid !== undefined && { preconditions: { uid } }) },
      target: { verb: 'delete', ...target },
    });
    call.inventory.forget(call.principal);
    const going = stringAt(answer, 'metadata', 'deletionTimestamp') !== undefined;
    return toolResult(`Workspace ${path} ${going ? 'is being deleted' : 'was deleted'}.`);
  },
});

/** How much goes with it, as far as the caller may see. */
async function describeContent(path: string, call: Call): Promise<string> {
  try {
    const page = await call.api.request({
      workspace: path,
      path: resourcePath({ ...WORKSPACE }),
      query: { limit: 500 },
      target: { verb: 'list', ...WORKSPACE },
    });
    const children = arrayAt(page, 'items').length;
    const more = restOf(page).next === undefined ? '' : 'at least ';
    return children === 0 ? '' : ` (and the ${more}${count(children, 'workspace')} right below it)`;
  } catch (error) {
    if (error instanceof KcpStatusError) return ' (what is in it may not be seen)';
    throw error;
  }
}
