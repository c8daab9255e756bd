import { inspect } from 'node:util';
import { expect, test } from '@jest/globals';
import { tokenOf } from '../testing/fake-kcp.ts';
import { principalOf } from '../testing/principals.ts';
import { sharedIdentity } from './upstream.ts';

test('what tools work with is the same for all callers, holds no token of theirs and says who called', async () => {
  const upstream = sharedIdentity(() => ({ name: 'shared', generation: 0 }));
  const [alice, bob] = await Promise.all([upstream.forKcp(principalOf('alice')), upstream.forKcp(principalOf('bob'))]);
  expect(alice).toMatchObject({ subject: 'shared', caller: { username: 'alice@example.com' } });
  expect({ ...alice, caller: undefined }).toEqual({ ...bob, caller: undefined });
  expect(inspect(alice, { depth: 5, showHidden: true })).not.toContain(tokenOf('alice'));
});

test('what another identity found out is not used', async () => {
  let generation = 0;
  const upstream = sharedIdentity(() => ({ name: 'shared', generation }));
  const before = await upstream.forKcp(principalOf('alice'));
  generation++;
  expect((await upstream.forKcp(principalOf('alice'))).claimsHash).not.toBe(before.claimsHash);
});
