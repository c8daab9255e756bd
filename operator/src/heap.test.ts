import { expect, test } from '@jest/globals';
import { createHeap, type Heap } from './heap.ts';
import { FakeClock } from './kube/testing/fake-clock.ts';

const MB = 1e6;

interface Case {
  clock: FakeClock;
  heap: Heap;
  /** What V8 was told, in this order: a percentage, or to collect. */
  told: (number | 'collect')[];
  holds: (bytes: number) => void;
}

function setUp(): Case {
  const clock = new FakeClock();
  const told: Case['told'] = [];
  let used = 20 * MB;
  const engine = {
    used: () => used,
    growBy: (percent: number) => void told.push(percent),
    collect: () => void told.push('collect'),
  };
  const heap = createHeap({ engine, clock });
  return { clock, heap, told, holds: (bytes) => void (used = bytes) };
}

test('one KcpMcpServer after the other changes nothing', async () => {
  const { clock, heap, told } = setUp();
  for (let turn = 0; turn < 20; turn++) {
    heap.waiting(1);
    heap.waiting(0);
    await clock.advance(2_000);
  }
  expect(told).toEqual([25]);
});

test('while many wait a step is as large however much the heap holds, and never smaller than before', async () => {
  const { clock, heap, told, holds } = setUp();
  heap.waiting(1_000);
  expect(told.splice(0)).toEqual([25, 200]);
  holds(48 * MB);
  await clock.advance(300);
  expect(told.splice(0)).toEqual([83]);
  holds(400 * MB);
  await clock.advance(300);
  expect(told.splice(0)).toEqual([25]);
});

test('memory goes back once when nobody has waited for a second', async () => {
  const { clock, heap, told } = setUp();
  heap.waiting(1_000);
  heap.waiting(0);
  await clock.advance(900);
  heap.waiting(1);
  heap.waiting(0);
  await clock.advance(900);
  expect(told).not.toContain('collect');
  await clock.advance(100);
  expect(told.slice(-2)).toEqual([10, 'collect']);
  told.splice(0);
  await clock.advance(60_000);
  expect(told).toEqual([]);
  expect(clock.timers).toBe(0);
});

test('a burst may follow another', async () => {
  const { clock, heap, told } = setUp();
  for (let burst = 0; burst < 2; burst++) {
    heap.waiting(100);
    heap.waiting(0);
    await clock.advance(1_000);
  }
  expect(told.filter((what) => what === 'collect')).toHaveLength(2);
});
