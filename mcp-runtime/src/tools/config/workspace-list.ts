import * as z from 'zod';
import { parseWorkspace } from '../../kcp/paths.ts';
import { comparePaths } from '../../kcp/workspace.ts';
import { MAX_TEXT_BYTES, NOTE_BYTES, howManyFit } from '../../output/limit.ts';
import { DEFAULT_LIMIT, cutNote, pageArguments } from '../../output/paginate.ts';
import { toolResult } from '../../output/text.ts';
import { defineTool } from '../tool.ts';

const ROOM = MAX_TEXT_BYTES - NOTE_BYTES;

export const workspaceList = defineTool({
  name: 'workspace_list',
  toolset: 'config',
  title: 'Workspace List',
  description:
    'List the workspaces that can be given to the other tools as workspace: a plain list of paths. kcp_workspaces_list says more of each.',
  annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
  input: z.strictObject(pageArguments),
  touches: [{ group: 'tenancy.kcp.io', kind: 'Workspace' }],
  kcpOnly: true,
  async handle({ limit = DEFAULT_LIMIT, continue: after }, call) {
    const last = after === undefined ? undefined : parseWorkspace(after);
    const { enterable, gaps, root } = await call.inventory.get(call.principal, call.signal);
    call.audit({ workspace: root });
    const { default_workspace: standard } = call.config.cluster_provider_configs.kcp;
    const paths = enterable.map(({ path }) => path);
    const rest = last === undefined ? paths : paths.filter((path) => comparePaths(path, last) > 0);
    const page = rest.slice(0, limit).map((path) => `${path === standard ? '*' : ' '} ${path}`);
    const shown = page.slice(0, howManyFit(page, ROOM));
    const next = shown.length < rest.length ? rest[shown.length - 1] : undefined;
    const note = cutNote(shown.length, { next, remaining: rest.length - shown.length });
    const lines = [
      `Available workspaces (${paths.length} total, default: ${standard}; * marks it):`,
      ...(shown.length === 0 ? ['(none)'] : shown),
      ...(note === undefined ? [] : [note]),
      ...(gaps.length === 0 ? [] : ['Could not look everywhere; kcp_workspaces_list says where.']),
    ];
    return toolResult(lines.join('\n'));
  },
});
