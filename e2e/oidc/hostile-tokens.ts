import type { Forge } from './forge.ts';
import { hostileClaims } from './hostile-claims.ts';
import { hostileShapes } from './hostile-shapes.ts';
import { hostileSignatures } from './hostile-signatures.ts';
import type { HostileToken } from './hostile-token.ts';

/** Every token that has to be refused, whoever published which keys: algorithms, keys, headers, shapes, times, claims. */
export async function refusedTokens(forge: Forge): Promise<HostileToken[]> {
  return [...hostileSignatures(forge), ...(await hostileShapes(forge)), ...hostileClaims(forge)];
}
