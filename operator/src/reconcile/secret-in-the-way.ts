/** Secrets that somebody else would write on our behalf (cert-manager, kcp-operator): they write into whatever has the name. */
import { SECRET } from '../api/external.ts';
import { keyOf, type KubeObject, type ObjectKey } from '../kube/index.ts';
import { conflict, forbidden, type Problem } from './errors.ts';
import { grantCommand, READ_VERBS } from './grant.ts';
import { NotYetKnownError } from './references.ts';
import type { Watched } from './watched-objects.ts';

/**
 * Why nobody may write Secret `key` for us; undefined: it isn't there, or is one that they made.
 *
 * @param forbiddenTo what the operator may not do without a right to it: `read Secret ns/name, which …`
 * @throws NotYetKnownError while the API server hasn't answered
 */
export function secretInTheWay<T extends KubeObject>(
  seen: Watched<T>,
  key: ObjectKey,
  { isTheirs, forbiddenTo, grantee }: { isTheirs: (secret: T) => boolean; forbiddenTo: string; grantee: string },
): Problem | undefined {
  switch (seen.state) {
    case 'pending':
      throw new NotYetKnownError();
    case 'absent':
      return undefined;
    case 'forbidden': {
      const command = grantCommand({ resource: SECRET.plural, key, verbs: READ_VERBS, grantee });
      return forbidden(`the operator may not ${forbiddenTo}`, command);
    }
    case 'present':
      return isTheirs(seen.object) ? undefined : conflict(SECRET.kind, keyOf(key));
  }
}
