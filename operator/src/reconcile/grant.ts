/** The command that gives this operator a right to one object, for messages: who reads it can run it as it stands. */
import type { ObjectKey } from '../kube/index.ts';

export const READ_VERBS = ['get', 'watch'] as const;
export const OWN_VERBS = ['get', 'watch', 'create', 'patch'] as const;

export interface Grant {
  /** Plural, with the group where there is one: `secrets`. */
  resource: string;
  key: ObjectKey;
  verbs: readonly string[];
  /** `--serviceaccount=NAMESPACE:NAME` or `--user=NAME`. */
  grantee: string;
}

export function grantCommand({ resource, key, verbs, grantee }: Grant): string {
  const role = `kcp-mcp-operator-${key.name}`;
  const kubectl = key.namespace === undefined ? 'kubectl' : `kubectl -n ${key.namespace}`;
  return [
    `${kubectl} create role ${role} --verb=${verbs.join(',')} --resource=${resource} --resource-name=${key.name}`,
    `${kubectl} create rolebinding ${role} --role=${role} ${grantee}`,
  ].join(' && ');
}

/** How `kubectl create rolebinding` names a user: service accounts have a flag of their own. */
export function granteeOf(username: string): string {
  const [, namespace, name] = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(username) ?? [];
  return namespace !== undefined && name !== undefined
    ? `--serviceaccount=${namespace}:${name}`
    : `--user=${/^[\w.@:+-]+$/.test(username) ? username : `'${username.replaceAll("'", String.raw`'\''`)}'`}`;
}
