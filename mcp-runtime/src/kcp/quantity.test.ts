import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { formatCpu, formatMemory, parseQuantity, percentOf } from './quantity.ts';

describe('parseQuantity', () => {
  test.each([
    ['0', 0n],
    ['1', 1_000_000_000n],
    ['100m', 100_000_000n],
    ['523341n', 523_341n],
    ['7u', 7_000n],
    ['1.5', 1_500_000_000n],
    ['.5', 500_000_000n],
    ['2.', 2_000_000_000n],
    ['0.1n', 1n],
    ['12e3', 12_000_000_000_000n],
    ['12E3', 12_000_000_000_000n],
    ['5e-3', 5_000_000n],
    ['1E', 10n ** 27n],
    ['1k', 10n ** 12n],
    ['1Ki', 1024n * 10n ** 9n],
    ['1.5Gi', 1536n * 1024n * 1024n * 10n ** 9n],
    ['-1', -1_000_000_000n],
  ])('%s', (text, nano) => {
    expect(parseQuantity(text)).toBe(nano);
  });

  test.each(['', 'x', '1 Gi', 'Ki', '1e999', '1e', '--1', '1KiB', `1${'0'.repeat(100)}`, 1, null, undefined])(
    '%j is none',
    (value) => {
      expect(parseQuantity(value)).toBeUndefined();
    },
  );

  test('whole numbers keep their value', () => {
    fc.assert(
      fc.property(fc.nat(), (value) => {
        expect(parseQuantity(String(value))).toBe(BigInt(value) * 1_000_000_000n);
      }),
    );
  });
});

// Figures of kubectl 1.35: CPU is rounded up to thousandths, memory down to MiB.
test.each([
  ['1n', '1m', '0Mi'],
  ['250m', '250m', '0Mi'],
  ['1000001n', '2m', '0Mi'],
  ['204800Ki', '209715200000m', '200Mi'],
  ['1048575', '1048575000m', '0Mi'],
  ['2147483648', '2147483648000m', '2048Mi'],
])('%s is %s of CPU and %s of memory', (text, cpu, memory) => {
  const nano = parseQuantity(text) ?? -1n;
  expect(formatCpu(nano)).toBe(cpu);
  expect(formatMemory(nano)).toBe(memory);
});

test('parts in per cent are rounded down, of thousandths', () => {
  const percent = (part: string, whole: string) => percentOf(parseQuantity(part) ?? -1n, parseQuantity(whole) ?? -1n);
  expect(percent('1', '3')).toBe(33n);
  expect(percent('2', '1')).toBe(200n);
  expect(percent('19500001n', '2')).toBe(1n);
  expect(percent('1', '0')).toBe(0n);
});
