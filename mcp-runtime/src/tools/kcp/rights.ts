import { arrayAt, at } from '../../kcp/json.ts';
import { shorten } from '../../output/text.ts';
import type { Call } from '../tool.ts';

const REVIEW = {
  group: 'authorization.k8s.io',
  version: 'v1',
  kind: 'SelfSubjectRulesReview',
  resource: 'selfsubjectrulesreviews',
} as const;
const PATH = '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews';

/** What everybody may: to ask about themselves. It tells nothing of anybody. */
const ASKING = new Set(['selfsubjectaccessreviews', 'selfsubjectrulesreviews', 'selfsubjectreviews']);
const MAX_RULES = 50;

/** What the caller may do in a workspace, as far as its rules say. */
export interface Rights {
  /** `configmaps, secrets`: `get, list`. */
  readonly rules: Readonly<Record<string, string>>;
  /** Rules left out for brevity. */
  readonly omitted: number;
  /** Whether kcp says that there may be more than it tells. */
  readonly incomplete: boolean;
}

/**
 * Asks kcp for all that the caller may do in the namespace `default` of a workspace.
 * @throws {KcpError}
 * @see https://kubernetes.io/docs/reference/kubernetes-api/authorization-resources/self-subject-rules-review-v1/
 */
export async function rightsIn(workspace: string, { api }: Pick<Call, 'api'>): Promise<Rights> {
  const review = await api.request({
    workspace,
    path: PATH,
    method: 'POST',
    body: { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectRulesReview', spec: { namespace: 'default' } },
    target: { verb: 'create', ...REVIEW },
  });
  const rules = new Map<string, Set<string>>();
  for (const rule of arrayAt(review, 'status', 'resourceRules')) {
    const what = resourcesOf(rule);
    if (what === undefined) continue;
    const verbs = rules.get(what) ?? new Set();
    for (const verb of texts(rule, 'verbs')) verbs.add(verb);
    rules.set(what, verbs);
  }
  const told = [...rules].slice(0, MAX_RULES).map(([what, verbs]) => [what, [...verbs].join(', ')] as const);
  return {
    rules: Object.fromEntries(told),
    omitted: Math.max(0, rules.size - MAX_RULES),
    incomplete: at(review, 'status', 'incomplete') === true,
  };
}

/** `deployments.apps, pods "web"`. */
function resourcesOf(rule: unknown): string | undefined {
  const resources = texts(rule, 'resources');
  if (resources.length === 0 || resources.every((resource) => ASKING.has(resource))) return undefined;
  const groups = texts(rule, 'apiGroups');
  const all = groups.flatMap((group) =>
    resources.map((resource) => (group === '' ? resource : `${resource}.${group}`)),
  );
  const names = texts(rule, 'resourceNames');
  const only = names.length === 0 ? '' : ` ${names.map((name) => JSON.stringify(name)).join(' ')}`;
  return shorten(all.join(', ') + only, 300);
}

function texts(rule: unknown, field: string): string[] {
  return arrayAt(rule, field).filter((text) => typeof text === 'string');
}
