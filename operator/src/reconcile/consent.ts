/**
 * What another namespace must consent to: copying credentials out of a Kubeconfig, and having a kubeconfig made for a
 * FrontProxy. Whoever may annotate that object gives consent and takes it back; the operator never writes it.
 */
import { GROUP, type KcpMcpServer } from '../api/kcp-mcp-server.ts';
import { keyOf, type KubeObject, type Resource } from '../kube/index.ts';
import type { Problem } from './errors.ts';
import { oneLine } from './text.ts';

/** Comma-separated namespaces whose KcpMcpServers may use the annotated object; `*`: those of all. Blanks don't count. */
export const ALLOW_NAMESPACES = `${GROUP}/allow-namespaces`;

/** Whether an object lets KcpMcpServers of `namespace` use it. Its own namespace needs no consent. */
export function allowsNamespace({ metadata }: Pick<KubeObject, 'metadata'>, namespace: string): boolean {
  const listed = (metadata.annotations?.[ALLOW_NAMESPACES] ?? '').split(',').map((item) => item.trim());
  return metadata.namespace === namespace || listed.includes(namespace) || listed.includes('*');
}

/**
 * Why `server` may not use `object`, with the command that consents; undefined: it may.
 * @param use what it is about, after "does not let KcpMcpServers of namespace X": `copy its credentials`
 */
export function consentProblem(
  resource: Resource,
  object: Pick<KubeObject, 'metadata'>,
  server: KcpMcpServer,
  use: string,
): Problem | undefined {
  const namespace = server.metadata.namespace ?? 'default';
  if (allowsNamespace(object, namespace)) return undefined;
  const listed = oneLine(object.metadata.annotations?.[ALLOW_NAMESPACES], 256);
  const now = listed === '' ? 'it has no annotation' : `"${listed}" is all that it has in annotation`;
  return {
    kind: 'waiting',
    reason: 'NotPermitted',
    message: `${resource.kind} ${keyOf(object.metadata)} does not let KcpMcpServers of namespace ${namespace} ${use}: ${now} ${ALLOW_NAMESPACES}`,
    command: consentCommand(resource, object, namespace),
  };
}

/** Keeps those that are listed already: the shell puts them in as they are, whatever they are, when it runs. */
function consentCommand({ plural, group }: Resource, { metadata }: Pick<KubeObject, 'metadata'>, namespace: string) {
  const kubectl = `kubectl -n ${metadata.namespace ?? 'default'}`;
  const object = `${plural}.${group} ${metadata.name}`;
  const annotate = (value: string) => `${kubectl} annotate ${object} ${ALLOW_NAMESPACES}=${value}`;
  if ((metadata.annotations?.[ALLOW_NAMESPACES] ?? '').trim() === '') return `${annotate(namespace)} --overwrite`;
  const path = `{.metadata.annotations.${ALLOW_NAMESPACES.replaceAll('.', String.raw`\.`)}}`;
  return `${annotate(`"$(${kubectl} get ${object} -o jsonpath='${path}'),${namespace}"`)} --overwrite`;
}
