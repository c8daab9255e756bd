import { Writable } from 'node:stream';
import { expect, jest, test } from '@jest/globals';
import { createProgress, seconds } from './progress.ts';

function sink(properties: { isTTY?: boolean; columns?: number } = {}) {
  const written: string[] = [];
  const out = new Writable({
    write(chunk: Buffer, _encoding, done) {
      written.push(chunk.toString());
      done();
    },
  });
  return { out: Object.assign(out, properties), text: () => written.join('') };
}

test('off a terminal a quick step is one plain line', async () => {
  const { out, text } = sink();
  const result = await createProgress({ out }).step('build', (step) => {
    step.update('half');
    return Promise.resolve(42);
  });
  expect(result).toBe(42);
  expect(text()).toMatch(/^✓ build \(\d+ ms\)\n$/);
});

test('off a terminal a long step says from time to time where it is', async () => {
  jest.useFakeTimers();
  try {
    const { out, text } = sink();
    let finish = (): void => undefined;
    const running = createProgress({ out, heartbeatMs: 20_000 }).step('build', (step) => {
      step.update('812 packages compiled');
      return new Promise<void>((done) => (finish = done));
    });
    jest.advanceTimersByTime(41_000);
    expect(text()).toBe('… build: 812 packages compiled (20.0 s)\n… build: 812 packages compiled (40.0 s)\n');
    finish();
    await running;
    expect(text()).toMatch(/✓ build \(41\.0 s\)\n$/);
  } finally {
    jest.useRealTimers();
  }
});

test('a failed step says where it failed, and passes the error on', async () => {
  const { out, text } = sink();
  const failing = createProgress({ out }).step('build', (step) => {
    step.update('linking');
    return Promise.reject(new Error('no space'));
  });
  await expect(failing).rejects.toThrow('no space');
  expect(text()).toMatch(/^✗ build: linking \(\d+ ms\)\n$/);
});

test('on a terminal the moving line is replaced, and never wider than the terminal', async () => {
  const { out, text } = sink({ isTTY: true, columns: 20 });
  await createProgress({ out }).step('build', (step) => {
    step.update('a rather long description of what is going on');
    return Promise.resolve();
  });
  const [moving = '', last = ''] = text().split('✓');
  for (const line of moving.split('\r\x1b[K')) expect(line.length).toBeLessThan(20);
  expect(moving.endsWith('\r\x1b[K')).toBe(true);
  expect(last).toMatch(/^ build \(\d+ ms\)\n/);
  expect(last.endsWith('\n\r\x1b[K')).toBe(true);
});

test('times read well', () => {
  expect([0, 999, 1000, 59_940, 60_000, 245_000].map(seconds)).toEqual([
    '0 ms',
    '999 ms',
    '1.0 s',
    '59.9 s',
    '1 min 00 s',
    '4 min 05 s',
  ]);
});
