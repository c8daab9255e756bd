/** The command that gives this operator a right to one object, for messages: who reads it can run it as it stands. */
import type { ObjectKey } from '../kube/index.ts';

export const READ_VERBS = ['get', 'watch'] as const;
/** `delete` is for the day when the source withdraws its consent. */
export const OWN_VERBS = ['get', 'watch', 'create', 'patch', 'delete'] as const;

export interface Grant {
  /** Plural, with the group where there is one: `secrets`. */
  resource: string;
  key: ObjectKey;
  verbs: readonly string[];
  /** `--serviceaccount=NAMESPACE:NAME` or `--user=NAME`. */
  grantee: string;
}

/**
 * One line for a POSIX shell. `kubectl auth reconcile` creates what is missing of Role and RoleBinding and adds to what is
 * there; it takes nothing away, so the line may be run twice, and beside a Role of that name that says more.
 */
export function grantCommand({ resource, key, verbs, grantee }: Grant): string {
  const role = `kcp-mcp-operator-${key.name}`;
  const kubectl = key.namespace === undefined ? 'kubectl' : `kubectl -n ${key.namespace}`;
  return [
    `create role ${role} --verb=${verbs.join(',')} --resource=${resource} --resource-name=${key.name}`,
    `create rolebinding ${role} --role=${role} ${grantee}`,
  ]
    .map((create) => `${kubectl} ${create} --dry-run=client -o yaml | ${kubectl} auth reconcile -f -`)
    .join(' && ');
}

/** As the API server names ServiceAccounts: a DNS label, and a DNS subdomain. */
const SERVICE_ACCOUNT = /^system:serviceaccount:([a-z0-9-]+):([a-z0-9.-]+)$/;

/**
 * How `kubectl create rolebinding` names a user: service accounts have a flag of their own. Any other name is whatever an
 * authenticator made it, so it is quoted unless it plainly needn't be.
 */
export function granteeOf(username: string): string {
  const [, namespace, name] = SERVICE_ACCOUNT.exec(username) ?? [];
  return namespace !== undefined && name !== undefined
    ? `--serviceaccount=${namespace}:${name}`
    : `--user=${/^[\w.@:+-]+$/.test(username) ? username : `'${username.replaceAll("'", String.raw`'\''`)}'`}`;
}
