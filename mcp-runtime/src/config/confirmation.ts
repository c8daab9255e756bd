import * as z from 'zod';

/**
 * The schema of `[[confirmation_rules]]`. What a rule matches: {@link ../confirmation-rules.ts}.
 *
 * An empty text counts as absent, as upstream has it: `group = ""` is any group, not the core group.
 */

/** Kubernetes API verbs (kubernetes.io/docs/reference/access-authn-authz/authorization). A rule for another one would never match. */
const VERBS = ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete', 'deletecollection'] as const;

const TOOL_FIELDS = ['tool', 'destructive'] as const;
const KUBE_FIELDS = ['verb', 'kind', 'group', 'version', 'name', 'namespace'] as const;

const VERB = `must be one of ${VERBS.map((verb) => `"${verb}"`).join(', ')}`;
const RULES =
  'must be tables: [[confirmation_rules]] with tool or destructive, or with verb, kind, namespace and the like';
const field = () => z.string({ error: 'must be text' }).default('');

const rule = z
  .strictObject(
    {
      /** Name of a tool. */
      tool: field(),
      /** Tools that change or delete what exists (true), or those that don't (false). */
      destructive: z.boolean({ error: 'must be true or false, without quotes' }).optional(),
      verb: z.enum(['', ...VERBS], { error: VERB }).default(''),
      kind: field(),
      group: field(),
      version: field(),
      name: field(),
      namespace: field(),
      /** What the person is asked. */
      message: field(),
    },
    { error: (issue) => (issue.code === 'invalid_type' ? RULES : undefined) },
  )
  .superRefine((value, context) => {
    const tool = TOOL_FIELDS.filter((name) => value[name] !== undefined && value[name] !== '');
    const kube = KUBE_FIELDS.filter((name) => value[name] !== '');
    const issue = (message: string) => {
      context.addIssue({ code: 'custom', message });
    };
    if (tool.length > 0 && kube.length > 0) {
      issue(
        `mixes ${tool.join(', ')} (about tools) with ${kube.join(', ')} (about requests to the API); make it two rules`,
      );
    } else if (tool.length === 0 && kube.length === 0) {
      issue(
        `matches nothing; set one of ${[...TOOL_FIELDS, ...KUBE_FIELDS].join(', ')} (an empty text counts as absent)`,
      );
    }
  });

/** Rules about when a person has to confirm; all that match count. */
export const confirmationRules = z.array(rule, { error: RULES }).default([]);

/** A rule as `RuntimeConfig` has it: text fields that weren't set are empty. */
export type ConfirmationRule = z.output<typeof rule>;
