import * as z from 'zod';
import type { ApiResource } from '../../kcp/api-resources.ts';
import { at, stringAt } from '../../kcp/json.ts';
import { near } from '../../kcp/near.ts';
import { checkName } from '../../kcp/paths.ts';
import { oneLine, shorten, toolResult } from '../../output/text.ts';
import { workspaceArgument, workspaceOf } from '../arguments.ts';
import { ToolError, defineTool } from '../tool.ts';
import type { Call } from '../tool.ts';

const REVIEW = {
  group: 'authorization.k8s.io',
  version: 'v1',
  kind: 'SelfSubjectAccessReview',
  resource: 'selfsubjectaccessreviews',
} as const;
const PATH = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';

const output = z.object({
  user: z.string(),
  workspace: z.string(),
  verb: z.string(),
  resource: z.string(),
  namespace: z.string().optional(),
  name: z.string().optional(),
  allowed: z.boolean(),
  reason: z.string().describe('Why'),
});

export const accessCheck = defineTool({
  name: 'kcp_access_check',
  toolset: 'kcp',
  title: 'kcp: Access Check',
  description:
    'Check whether the caller may do something in a kcp workspace, and why, as kubectl auth can-i does: nothing is done, kcp is only asked.',
  annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: true },
  input: z.strictObject({
    workspace: workspaceArgument,
    verb: z
      .string()
      .min(1)
      .max(63)
      .describe('What is to be done: get, list, watch, create, update, patch, delete, or "*" for everything'),
    resource: z
      .string()
      .min(1)
      .max(320)
      .describe(
        'To what: a resource such as configmaps, deployments.apps (resource.group), pods/log (with a subresource), or a path such as /metrics',
      ),
    namespace: z.string().optional().describe('In which namespace; left out: in all of them'),
    name: z.string().optional().describe('To which object; left out: to any'),
  }),
  output,
  touches: [REVIEW],
  kcpOnly: true,
  async handle({ verb, resource, namespace, name, ...args }, call) {
    const workspace = workspaceOf(args.workspace, call);
    if (namespace !== undefined) checkName(namespace, 'namespace');
    if (name !== undefined) checkName(name, 'name');
    call.audit({ object: `${verb} ${resource}` });
    const user = oneLine(call.principal.username ?? call.principal.subject);
    const question = { user, workspace, verb: oneLine(verb), resource: oneLine(resource) };
    const place = { ...(namespace !== undefined && { namespace }), ...(name !== undefined && { name }) };
    const verdict = await judge({ verb, resource, ...place }, workspace, call);
    const answer = { ...question, ...place, ...verdict };
    return toolResult(sentence(answer), answer);
  },
});

interface Verdict {
  readonly allowed: boolean;
  readonly reason: string;
}

type Question = {
  readonly verb: string;
  readonly resource: string;
  readonly namespace?: string;
  readonly name?: string;
};

async function judge({ verb, resource, ...place }: Question, workspace: string, call: Call): Promise<Verdict> {
  if (!(await call.api.mayEnter(workspace))) {
    return { allowed: false, reason: 'kcp does not let this user into the workspace: nothing in it is allowed' };
  }
  const attributes = resource.startsWith('/')
    ? { nonResourceAttributes: { path: resource, verb } }
    : { resourceAttributes: { verb, ...place, ...(await resolve(resource, workspace, call)) } };
  const review = await call.api.request({
    workspace,
    path: PATH,
    method: 'POST',
    body: { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectAccessReview', spec: attributes },
    target: { verb: 'create', ...REVIEW },
  });
  const allowed = at(review, 'status', 'allowed') === true;
  const said = stringAt(review, 'status', 'reason') ?? stringAt(review, 'status', 'evaluationError');
  const unsaid = allowed ? 'kcp gives no reason' : 'no rule of the workspace allows it';
  return { allowed, reason: said === undefined ? unsaid : shorten(said, 500) };
}

/** Group and plural name of `deployments.apps/scale`, a kind or a short name: kcp compares exactly these. */
async function resolve(text: string, workspace: string, call: Call) {
  const [named = '', subresource] = text.split('/', 2);
  const [first = '', ...rest] = named.split('.');
  const group = rest.length === 0 ? undefined : rest.join('.');
  if (first === '*') return { group: group ?? '*', resource: '*', ...(subresource !== undefined && { subresource }) };
  const { resources } = await call.discovery.all({ ...call, workspace });
  const found = resources.filter(
    (resource) => answersTo(resource, first) && (group ?? resource.group) === resource.group,
  );
  // Core comes first in the list: what kubectl takes "events" for.
  const [match] = found;
  if (match === undefined) {
    const names = resources.map(({ resource, group: of }) => (of === '' ? resource : `${resource}.${of}`));
    const close = near(named, names, 3);
    const hint = close.length === 0 ? 'See kcp_api_resources_list.' : `Did you mean ${close.join(', ')}?`;
    throw new ToolError(
      `Workspace ${workspace} serves no resource ${JSON.stringify(shorten(named, 100))}. ${hint}`,
      'not_found',
    );
  }
  const refusal = call.policy.refuseKind(match);
  if (refusal !== undefined) throw new ToolError(refusal, 'denied');
  return { group: match.group, resource: match.resource, ...(subresource !== undefined && { subresource }) };
}

function answersTo({ resource, singular, kind, shortNames }: ApiResource, name: string): boolean {
  const lower = name.toLowerCase();
  return [resource, singular, kind.toLowerCase(), ...shortNames].includes(lower);
}

function sentence({
  user,
  workspace,
  verb,
  resource,
  namespace,
  name,
  allowed,
  reason,
}: z.infer<typeof output>): string {
  const what = `${verb} ${resource}${name === undefined ? '' : ` ${JSON.stringify(name)}`}`;
  const where =
    namespace === undefined ? `in workspace ${workspace}` : `in namespace ${namespace} of workspace ${workspace}`;
  return `${allowed ? 'Yes' : 'No'}: ${user} ${allowed ? 'may' : 'may not'} ${what} ${where}. Why: ${reason}.`;
}
