import { createPublicKey } from 'node:crypto';
import type { JWK, JSONWebKeySet } from 'jose';
import { isObject } from '../kcp/json.ts';

/** The keys of an issuer that count, and why others don't. */
export interface UsableKeys extends JSONWebKeySet {
  /** What is wrong with those that the issuer should look at; keys for another purpose are not among them. */
  readonly refused: readonly string[];
}

/** Issuers have a handful. A token without `kid` is tried with each of them. */
const MAX_KEYS = 100;
const CURVES = new Set<unknown>(['P-256', 'P-384', 'P-521', 'Ed25519']);
/** RFC 7518 §6.2.2, §6.3.2, §6.4.1 */
const PRIVATE = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv'];
/** What stays of a key: what makes it one, and what jose chooses by. */
const MEMBERS = ['kty', 'kid', 'alg', 'n', 'e', 'crv', 'x', 'y'];

/**
 * Picks what can verify a signature out of a published key set (RFC 7517 §5), so that one bad key doesn't take the others
 * down: public keys for signatures, RSA of 2,048 bits and more (RFC 7518 §3.3), the curves that jose knows. A key whose
 * private half is published is everybody's.
 */
export function usableKeys(published: readonly unknown[]): UsableKeys {
  const keys: JWK[] = [];
  const refused: string[] = [];
  for (const [index, entry] of published.entries()) {
    if (keys.length === MAX_KEYS) {
      refused.push(`only the first ${MAX_KEYS} keys are used`);
      break;
    }
    if (isObject(entry) && !isForSignatures(entry)) continue;
    const why = isObject(entry) ? whyUnusable(entry) : 'is no JSON object';
    if (why !== undefined) refused.push(`key ${index} ${why}`);
    else if (isObject(entry)) keys.push(publicMembers(entry));
  }
  return { keys, refused };
}

/** RFC 7517 §4.2, §4.3: other uses, and kinds of key that we know nothing of, are no mistake. */
function isForSignatures({ kty, crv, use, key_ops: operations }: Record<string, unknown>): boolean {
  if (use !== undefined && use !== 'sig') return false;
  if (operations !== undefined && !(Array.isArray(operations) && operations.includes('verify'))) return false;
  return kty === 'RSA' || kty === 'oct' || ((kty === 'EC' || kty === 'OKP') && CURVES.has(crv));
}

function whyUnusable(jwk: Record<string, unknown>): string | undefined {
  if (PRIVATE.some((member) => Object.hasOwn(jwk, member))) return 'is published with its secret part';
  if (jwk['kid'] !== undefined && typeof jwk['kid'] !== 'string') return 'has a kid that is no text';
  try {
    const { modulusLength = 2048 } = createPublicKey({ key: publicMembers(jwk), format: 'jwk' }).asymmetricKeyDetails ?? {}; // prettier-ignore
    return modulusLength < 2048 ? `has ${modulusLength} bits, less than 2048` : undefined;
  } catch {
    return 'is broken';
  }
}

function publicMembers(jwk: Record<string, unknown>): JWK {
  return Object.fromEntries(MEMBERS.flatMap((name) => (Object.hasOwn(jwk, name) ? [[name, jwk[name]]] : [])));
}
