import { expect, test } from '@jest/globals';
import { homeClusterOf, shardHashOf } from './ids.ts';

test.each([
  ['', '36ks9xj4a2n61'],
  ['alice', 'v1u4alow0iv9'],
  ['bob', '2okdry95y5lkv'],
  ['user:with:colons', '2bqfj6xlthg3t'],
  // Its hash begins with a zero byte.
  ['user172', '0f9mt7goyif7'],
])('the home workspace of %j is %s', (user, cluster) => {
  expect(homeClusterOf(user)).toBe(cluster);
});

test('the shard root is 1pfxsevk', () => {
  expect(shardHashOf('root')).toBe('1pfxsevk');
});
