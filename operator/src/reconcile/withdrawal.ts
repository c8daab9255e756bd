import { SECRET } from '../api/external.ts';
import { keyOf, type KubeObject } from '../kube/index.ts';
import { isForbidden } from '../kube/errors.ts';
import { isPassing, problemOf, type Problem } from './errors.ts';
import { grantCommand, OWN_VERBS } from './grant.ts';
import type { Run } from './run.ts';

/**
 * Removes a Secret of ours, for instance when its source has withdrawn its consent: only this very object, and only as it was
 * seen.
 * @param why after the name of the Secret
 * @returns why it is still there
 */
export async function withdraw(
  run: Run,
  { metadata }: KubeObject,
  why = 'whose source has withdrawn its consent',
): Promise<Problem | undefined> {
  const { client, applier, grantee, signal } = run;
  const { uid, resourceVersion, deletionTimestamp } = metadata;
  if (deletionTimestamp !== undefined) return undefined;
  try {
    await client.delete(SECRET, metadata, { uid, resourceVersion, signal });
    applier.forget(SECRET, metadata);
    return undefined;
  } catch (error) {
    if (isPassing(error)) throw error;
    const what = `Secret ${keyOf(metadata)}, ${why},`;
    if (!isForbidden(error)) return problemOf(error, what);
    // A Role isn't watched, so this stays one to try again.
    const command = grantCommand({ resource: SECRET.plural, key: metadata, verbs: OWN_VERBS, grantee });
    return { kind: 'transient', reason: 'Forbidden', message: `the operator may not delete ${what} itself`, command };
  }
}
