import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { hostileText } from '../testing/arbitraries.ts';
import { near } from './near.ts';

describe('near', () => {
  test.each([
    ['ConfgMap', ['Secret', 'ConfigMap', 'ConfigMaps'], ['ConfigMap', 'ConfigMaps']],
    ['configmap', ['ConfigMap', 'Secret'], ['ConfigMap']],
    ['root:acme:team-c', ['root', 'root:acme', 'root:acme:team-a', 'root:acme:team-b'], ['root:acme:team-a', 'root:acme:team-b']], // prettier-ignore
    ['space', ['Workspace', 'Namespace', 'Pod'], ['Namespace', 'Workspace']],
    ['zzz', ['ConfigMap'], []],
    ['', [], []],
  ])('%s', (wanted, names, found) => {
    expect(near(wanted, names, 2)).toEqual(found);
  });

  test('returns some of the names, the very one first', () => {
    fc.assert(
      fc.property(hostileText, fc.array(hostileText), fc.nat(5), (wanted, names, max) => {
        const found = near(wanted, [...names, wanted], max);
        expect(found.length).toBeLessThanOrEqual(max);
        for (const name of found) expect([...names, wanted]).toContain(name);
        if (max > 0 && wanted.length < 100) expect(found[0]?.toLowerCase()).toBe(wanted.toLowerCase());
      }),
    );
  });

  // Whoever may make kinds in a workspace decides how many there are and how long, and everybody waits for the comparison.
  describe('does a bounded amount of work', () => {
    /** Counts the characters that are looked at, by what is read of the names. */
    function looked(wanted: string, names: readonly string[]): number {
      let count = 0;
      const counted = new Proxy([...names], {
        get(target, key, receiver) {
          const value: unknown = Reflect.get(target, key, receiver);
          if (typeof value === 'string') count += value.length;
          return value;
        },
      });
      near(wanted, counted, 3);
      return count;
    }

    test('for many names', () => {
      const names = Array.from({ length: 100_000 }, (_, index) => `Kind${index}`);
      expect(looked('Kind', names)).toBeLessThan(20_000);
    });

    test('for long ones, which are nobody’s slip of the pen', () => {
      const long = 'a'.repeat(1_000_000);
      expect(near('a'.repeat(90), [long], 3)).toEqual([]);
      expect(near(long, ['a'.repeat(90)], 3)).toEqual([]);
    });
  });
});
