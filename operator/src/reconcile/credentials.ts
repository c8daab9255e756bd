/**
 * Credentials that were copied (mode Kubeconfig), and what uses them: neither stays when the spec doesn't ask for it any more, or
 * the source doesn't consent any more. Both carry a mark, so that this holds whatever was done before the operator last ended
 * (docs/adr/0020).
 */
import type { KcpMcpServer } from '../api/kcp-mcp-server.ts';
import type { KubeObject } from '../kube/index.ts';
import { INDEX_VOLUME } from '../resources/deployment.ts';
import { copiedFrom } from '../resources/kubeconfig-secret.ts';
import { COPIED_FROM_ANNOTATION, CREDENTIALS_LABEL } from '../resources/names.ts';
import type { Deployment } from './objects.ts';
import { deploymentOf } from './replicas.ts';
import type { Run } from './run.ts';

/** Whether the spec asks for them. */
export const wantsCredentials = ({ spec }: KcpMcpServer): boolean => spec.auth.mode === 'Kubeconfig';

/** Whether a copy has some in it, or a Deployment has Pods that use them. */
export const holdsCredentials = ({ metadata }: KubeObject): boolean =>
  metadata.labels?.[CREDENTIALS_LABEL] !== undefined;

/** Whether Pods of the spec can start with a copy that was made earlier: with credentials from what it names, or without any. */
export function fitsSpec(copy: KubeObject, server: KcpMcpServer): boolean {
  if (!wantsCredentials(server)) return !holdsCredentials(copy);
  return holdsCredentials(copy) && copy.metadata.annotations?.[COPIED_FROM_ANNOTATION] === copiedFrom(server);
}

/** Whether a Deployment has Pods with the identity that makes the index. */
export const mountsIndex = (deployment: Deployment | undefined): boolean =>
  deployment?.spec?.template?.spec?.volumes?.some(({ name }) => name === INDEX_VOLUME) ?? false;

/** Whether there may be a Deployment: Pods that use credentials have them in memory, so only their end takes those back. */
export function mayRun(run: Run): boolean {
  const deployment = deploymentOf(run);
  // They were not replaced: without the FrontProxy's word there may be nothing to replace them with.
  if (run.isIndexTaken && mountsIndex(deployment)) return false;
  if (!deployment || !holdsCredentials(deployment)) return true;
  return wantsCredentials(run.server) && run.copy !== 'gone';
}
