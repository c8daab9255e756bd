import { describe, expect, test } from '@jest/globals';
import { SharedCache } from './shared-cache.ts';

function setUp(options: Partial<ConstructorParameters<typeof SharedCache<string>>[0]> = {}) {
  const time = { now: 1000 };
  const cache = new SharedCache<string>({ maxAgeMs: 100, maxEntries: 2, clock: () => time.now, ...options });
  const loads: string[] = [];
  const load = (key: string) => (_signal: AbortSignal) => {
    loads.push(key);
    return Promise.resolve(`${key}${loads.length}`);
  };
  return { time, cache, loads, get: (key: string) => cache.get(key, load(key)) };
}

describe('SharedCache', () => {
  test('keeps a value for its age, counted from when its load began', async () => {
    const { time, get, loads } = setUp();
    expect(await get('a')).toEqual({ value: 'a1', asOf: 1000 });
    time.now = 1099;
    expect(await get('a')).toMatchObject({ value: 'a1', asOf: 1000 });
    time.now = 1100;
    expect(await get('a')).toMatchObject({ value: 'a2', asOf: 1100 });
    expect(loads).toEqual(['a', 'a']);
  });

  test('those who ask at the same time share one load', async () => {
    const { get, loads } = setUp();
    const values = await Promise.all([get('a'), get('a'), get('b'), get('a')]);
    expect(loads).toEqual(['a', 'b']);
    expect(values.map(({ value }) => value)).toEqual(['a1', 'a1', 'b2', 'a1']);
  });

  test('an age of 0 keeps nothing', async () => {
    const { get, loads, cache } = setUp({ maxAgeMs: 0 });
    await get('a');
    await get('a');
    expect(loads).toHaveLength(2);
    expect(cache.size).toBe(0);
  });

  test('the least recently used goes first', async () => {
    const { get, cache } = setUp();
    await get('a');
    await get('b');
    await get('a');
    await get('c');
    expect(cache.size).toBe(2);
    expect(cache.peek('b')).toBeUndefined();
    expect(cache.peek('a')).toBeDefined();
  });

  test('is bounded by weight; what is too heavy alone is not kept', async () => {
    const { cache } = setUp({ maxEntries: 100, maxWeight: 10, weigh: (value) => value.length });
    for (const key of ['a', 'b', 'c']) await cache.get(key, () => Promise.resolve('1234'));
    expect(cache.size).toBe(2);
    await cache.get('heavy', () => Promise.resolve('12345678901'));
    expect(cache.peek('heavy')).toBeUndefined();
    expect(cache.size).toBe(2);
  });

  test('a value may ask to be kept for less', async () => {
    const { time, cache, get } = setUp({ keepMs: () => 10 });
    await get('a');
    time.now += 10;
    expect(cache.peek('a')).toBeUndefined();
  });

  test('failures reach everybody who waits and are not kept', async () => {
    const { cache, get } = setUp();
    const fail = () => Promise.reject(new Error('no'));
    const results = await Promise.allSettled([cache.get('a', fail), cache.get('a', fail)]);
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(await get('a')).toMatchObject({ value: 'a1' });
  });

  test('one who leaves does not end the load for the others; the last one does', async () => {
    const { cache } = setUp();
    const { promise, resolve } = Promise.withResolvers<string>();
    let shared: AbortSignal | undefined;
    const load = (signal: AbortSignal) => {
      shared = signal;
      return promise;
    };
    const first = new AbortController();
    const second = new AbortController();
    const one = cache.get('a', load, first.signal);
    const two = cache.get('a', load, second.signal);
    first.abort(new Error('left'));
    await expect(one).rejects.toThrow('left');
    expect(shared?.aborted).toBe(false);
    second.abort(new Error('left, too'));
    await expect(two).rejects.toThrow('left, too');
    expect(shared?.aborted).toBe(true);
    resolve('late');
    expect(await cache.get('a', () => Promise.resolve('new'))).toMatchObject({ value: 'new' });
  });

  test('what is forgotten during its load is not kept: it may have begun before the reason to forget', async () => {
    const { cache } = setUp();
    const { promise, resolve } = Promise.withResolvers<string>();
    const old = cache.get('a', () => promise);
    cache.delete('a');
    const fresh = cache.get('a', () => Promise.resolve('new'));
    resolve('old');
    expect(await old).toMatchObject({ value: 'old' });
    expect(await fresh).toMatchObject({ value: 'new' });
    expect(cache.peek('a')).toMatchObject({ value: 'new' });
  });

  test('a signal that has fired already ends the wait at once', async () => {
    const { cache } = setUp();
    await expect(
      cache.get('a', () => new Promise(() => undefined), AbortSignal.abort(new Error('gone'))),
    ).rejects.toThrow('gone');
  });
});
