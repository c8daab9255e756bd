import type { RuntimeConfig } from '../config/schema.ts';
import { matchConfirmations } from '../confirmation-rules.ts';
import type { KcpClient } from '../kcp/client.ts';
import { KcpError, NotPermittedError } from '../kcp/errors.ts';
import type { Target } from '../kcp/errors.ts';
import { describeTarget } from '../kcp/explain.ts';
import { at, stringAt } from '../kcp/json.ts';
import { placeName } from '../kcp/paths.ts';
import { oneLine, shorten } from '../output/text.ts';
import type { Policy } from '../policy.ts';
import type { Action, Gate } from './caller-api.ts';
import { ToolError } from './tool.ts';
import type { Call, CallContext } from './tool.ts';

export interface GateOptions {
  readonly policy: Policy;
  readonly config: Pick<RuntimeConfig, 'confirmation_rules' | 'confirmation_fallback' | 'validation_enabled'>;
  readonly kcp: KcpClient;
  readonly context: Pick<CallContext, 'principal' | 'signal' | 'audit'>;
  readonly confirm: Call['confirm'];
}

/**
 * What every action of a call on the cluster has to pass, whichever tool it comes from: denied kinds, the caller's own rights
 * (`validation_enabled`), and a person's yes (`confirmation_rules`). What has passed isn't asked again in the same call.
 */
export function createGate(options: GateOptions): Gate {
  const { policy, config } = options;
  const permitted = new Set<string>();
  const agreed = new Set<string>();

  return async (actions, besides = []) => {
    const all = [...actions, ...besides];
    for (const { target } of all) {
      const refusal = policy.refuseKind(target);
      if (refusal !== undefined) throw new ToolError(refusal, 'denied');
    }
    if (config.validation_enabled) {
      for (const action of actions.filter((each) => !permitted.has(JSON.stringify(each)))) {
        await checkRights(action, options);
        permitted.add(JSON.stringify(action));
      }
    }
    if (config.confirmation_rules.length === 0) return;
    const open = all.filter((action) => !agreed.has(JSON.stringify(action)));
    if (open.length > 0) askFor(open, options);
    for (const action of open) agreed.add(JSON.stringify(action));
  };
}

const SUBJECT_ACCESS_REVIEWS = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';

/** Asks the API server before it is asked to act. What it can't say, the action itself will show. */
async function checkRights({ workspace, target }: Action, { kcp, context }: GateOptions): Promise<void> {
  const { principal, signal } = context;
  const { verb, group, version, resource, subresource, namespace, name } = target;
  let review: unknown;
  try {
    review = await kcp.request({
      workspace,
      path: SUBJECT_ACCESS_REVIEWS,
      method: 'POST',
      body: {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SelfSubjectAccessReview',
        spec: { resourceAttributes: { verb, group, version, resource, subresource, namespace, name } },
      },
      token: principal.token,
      signal,
    });
  } catch (error) {
    if (error instanceof KcpError) return;
    throw error;
  }
  if (at(review, 'status', 'allowed') !== false) return;
  const why = stringAt(review, 'status', 'reason');
  const user = oneLine(principal.username ?? principal.subject);
  throw new NotPermittedError(
    `Validation Error [PERMISSION_DENIED]: ${user} may not ${describeAction({ workspace, target })}` +
      `${why === undefined ? '' : `: ${shorten(why, 300)}`}. It was not tried.`,
    { host: kcp.host, workspace, path: SUBJECT_ACCESS_REVIEWS, target },
  );
}

/** Actions that a question names one by one: more nobody reads. */
const MAX_ASKED = 20;

/** One question for all of them, so that a person decides once. */
function askFor(actions: readonly Action[], { config, confirm, context }: GateOptions): void {
  const asked = actions.flatMap((action) => {
    const message = matchConfirmations(config.confirmation_rules, { kube: subjectOf(action.target) });
    return message === undefined ? [] : [{ message, action }];
  });
  if (asked.length === 0) return;
  const lines = [...new Set(asked.map(({ message, action }) => `${message}\n${describeAction(action)}`))];
  const left = lines.length - MAX_ASKED;
  const message = [...lines.slice(0, MAX_ASKED), ...(left > 0 ? [`And ${left} more of these.`] : [])].join('\n\n');
  confirmOrFallBack({ id: JSON.stringify(asked.map(({ action }) => action)), message }, { config, confirm, context });
}

/**
 * Asks what a confirmation rule wants asked; where the client can't ask, `confirmation_fallback` decides.
 * @throws {ToolError} {InputNeeded}
 */
export function confirmOrFallBack(
  question: { readonly id: string; readonly message: string },
  {
    config,
    confirm,
    context,
  }: Pick<GateOptions, 'confirm'> & {
    readonly config: Pick<RuntimeConfig, 'confirmation_fallback'>;
    readonly context: Pick<CallContext, 'audit'>;
  },
): void {
  if (confirm(question)) {
    context.audit({ confirmation: 'given' });
    return;
  }
  if (config.confirmation_fallback === 'deny') {
    throw new ToolError(
      `This needs a person's confirmation (confirmation_rules), and this client can't ask for it: ${question.message}\n` +
        'Nothing was done. Use a client that supports elicitation (MCP 2026-07-28), or ask those who run this server.',
      'denied',
    );
  }
  context.audit({ confirmation: 'not asked: the client cannot' });
}

function describeAction({ workspace, target }: Action): string {
  return `${describeTarget(target)} ${target.namespace === undefined ? 'in' : 'of'} ${placeName(workspace)}`;
}

function subjectOf({ verb, kind, group, version, name = '', namespace = '' }: Target) {
  return { verb, kind, group, version, name, namespace };
}
