import type { KubeClient, KubeObject, Resource } from './kube/index.ts';

/** KEP-3325: every authenticated user may ask who it is. */
const SELF_SUBJECT_REVIEW: Resource = {
  group: 'authentication.k8s.io',
  version: 'v1',
  plural: 'selfsubjectreviews',
  kind: 'SelfSubjectReview',
  namespaced: false,
};

interface SelfSubjectReview extends KubeObject {
  status?: { userInfo?: { username?: string } };
}

/**
 * The name under which the API server knows this process.
 * @throws ApiError when it can't be asked
 */
export async function whoAmI(client: KubeClient, signal: AbortSignal): Promise<string> {
  const review: SelfSubjectReview = {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'SelfSubjectReview',
    metadata: { name: '' },
  };
  const answer = await client.create(SELF_SUBJECT_REVIEW, review, { fieldManager: 'kcp-mcp-operator', signal });
  const username = answer.status?.userInfo?.username;
  if (!username) throw new Error('the API server did not say who we are');
  return username;
}
