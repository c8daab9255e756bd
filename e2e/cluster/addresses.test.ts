import { expect, test } from '@jest/globals';
import { addressesOf } from './addresses.ts';
import type { Addresses } from './addresses.ts';

test('instances share nothing', () => {
  const [demo, other] = [addressesOf(0), addressesOf(1)];
  expect(demo).toMatchObject({
    gateway: '10.244.0.1',
    linkName: 'kcpmcp0',
    serviceCIDR: '10.96.0.0/24',
    ports: { apiserver: 20_000 },
  });
  const values = ({ ports, ...rest }: Addresses): unknown[] => [...Object.values(ports), ...Object.values(rest)];
  const shared = values(demo).filter((value) => values(other).includes(value));
  expect(shared).toEqual([]);
});

test('the highest instance has valid ports and an interface name that Linux takes', () => {
  const { ports, linkName } = addressesOf(99);
  expect(ports.base + 99).toBeLessThan(65_536);
  // IFNAMSIZ
  expect(linkName.length).toBeLessThan(16);
});

test.each([-1, 100, 1.5, NaN])('there is no instance %d', (instance) => {
  expect(() => addressesOf(instance)).toThrow(RangeError);
});
