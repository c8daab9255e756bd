import * as z from 'zod';
import type { Caller } from '../../auth/principal.ts';
import { KcpStatusError } from '../../kcp/errors.ts';
import { arrayAt, stringAt } from '../../kcp/json.ts';
import { oneLine, toolResult } from '../../output/text.ts';
import { toYaml } from '../../output/yaml.ts';
import { callerWorkspaces } from '../failures.ts';
import { defineTool } from '../tool.ts';
import type { Call } from '../tool.ts';

const SELF_SUBJECT_REVIEW = {
  group: 'authentication.k8s.io',
  version: 'v1',
  kind: 'SelfSubjectReview',
  resource: 'selfsubjectreviews',
} as const;
const PATH = '/apis/authentication.k8s.io/v1/selfsubjectreviews';

const output = z.object({
  user: z.string().optional().describe('The user name that kcp decides on'),
  groups: z.array(z.string()).optional().describe('The groups that kcp decides on; absent where it could not be asked'),
  askedIn: z.string().optional().describe('The workspace whose answer this is'),
  note: z.string().optional(),
  caller: z
    .string()
    .optional()
    .describe('Who called, where the user that kcp sees is one that all users of this server share'),
  token: z
    .object({
      issuer: z.string(),
      subject: z.string(),
      scopes: z.array(z.string()),
      expires: z.string().describe('RFC 3339'),
      expiresInSeconds: z.int(),
    })
    .optional()
    .describe("The caller's; absent where nobody signs in"),
});

const SHARED = 'kcp sees this user for everybody who calls this server, with its rights, not those of the caller';

export const whoami = defineTool({
  name: 'kcp_whoami',
  toolset: 'kcp',
  title: 'kcp: Who Am I',
  description:
    'Tell who the caller is: user name and groups as kcp sees them, which is what its access rules are about, and when the token expires.',
  annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
  input: z.strictObject({}),
  output,
  touches: [SELF_SUBJECT_REVIEW],
  kcpOnly: true,
  async handle(_, call) {
    const { principal, clock } = call;
    const { askedIn, note, ...identity } = await ask(call);
    if (askedIn !== undefined) call.audit({ workspace: askedIn });
    const { caller = principal } = principal;
    const shared = caller === principal ? undefined : SHARED;
    const notes = [note, shared].filter((text) => text !== undefined).join('; ');
    const answer = {
      ...identity,
      ...(askedIn !== undefined && { askedIn }),
      ...(notes !== '' && { note: notes }),
      ...(shared !== undefined && { caller: oneLine(caller.username ?? caller.subject) }),
      // Nobody's token has no issuer.
      ...(caller.issuer !== '' && { token: tokenOf(caller, clock()) }),
    };
    return toolResult(toYaml(answer), answer);
  },
});

function tokenOf({ issuer, subject, scopes, expiresAt }: Caller, now: number) {
  return {
    issuer: oneLine(issuer),
    subject: oneLine(subject),
    scopes: [...scopes],
    expires: new Date(expiresAt * 1_000).toISOString(),
    expiresInSeconds: Math.max(0, Math.floor(expiresAt - now / 1_000)),
  };
}

interface Identity {
  readonly user?: string;
  readonly groups?: string[];
  readonly askedIn?: string;
  readonly note?: string;
}

/** kcp answers only where the caller may enter: in the default workspace, or else in one of those that the caller has. */
async function ask(call: Call): Promise<Identity> {
  const first = call.config.cluster_provider_configs.kcp.default_workspace;
  try {
    return await review(first, call);
  } catch (error) {
    if (!(error instanceof KcpStatusError) || error.status !== 403) throw error;
    const other = (await callerWorkspaces(call))?.enterable.find(({ path }) => path !== first)?.path;
    if (other !== undefined) return review(other, call);
    // The refusal names the user, too.
    const user = /User "([^"]{1,300})"/.exec(error.message)?.[1];
    const note = `no workspace was found that this user may enter, and only there kcp tells the groups`;
    return { ...(user !== undefined && { user: oneLine(user) }), note };
  }
}

async function review(workspace: string, call: Call): Promise<Identity> {
  const answer = await call.api.request({
    workspace,
    path: PATH,
    method: 'POST',
    body: { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' },
    target: { verb: 'create', ...SELF_SUBJECT_REVIEW },
  });
  const user = stringAt(answer, 'status', 'userInfo', 'username');
  const groups = arrayAt(answer, 'status', 'userInfo', 'groups').filter((group) => typeof group === 'string');
  return { ...(user !== undefined && { user: oneLine(user) }), groups: groups.map(oneLine), askedIn: workspace };
}
