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

describe('a refresh in the background', () => {
  /** A cache whose loads are answered by the test, in the order they came. */
  function setUpRefresh(options: Parameters<typeof setUp>[0] = {}) {
    const { time, cache } = setUp({ maxEntries: 100, ...options });
    const loads: { key: string; signal: AbortSignal; resolve(value: string): void; reject(error: Error): void }[] = [];
    const load = (key: string) => (signal: AbortSignal) => {
      const { promise, resolve, reject } = Promise.withResolvers<string>();
      loads.push({ key, signal, resolve, reject });
      return promise;
    };
    /** Puts a value in, as of now. */
    const put = async (key: string, value = 'old') => {
      await cache.get(key, () => Promise.resolve(value));
    };
    const use = (key: string) => cache.get(key, load(key), undefined, load(key));
    /** Lets what was answered come through. */
    const settle = () => new Promise((resolve) => setImmediate(resolve));
    return { time, cache, loads, put, use, settle };
  }

  test('begins with a use in the last third of the time, and takes the place of the old', async () => {
    const { time, loads, put, use, settle } = setUpRefresh();
    await put('a');
    time.now += 66;
    expect(await use('a')).toMatchObject({ value: 'old', asOf: 1000 });
    expect(loads).toHaveLength(0);
    time.now += 1;
    expect(await use('a')).toMatchObject({ value: 'old' });
    expect(await use('a')).toMatchObject({ value: 'old' });
    expect(loads).toHaveLength(1);
    loads[0]?.resolve('new');
    await settle();
    expect(await use('a')).toEqual(expect.objectContaining({ value: 'new', asOf: 1067 }));
    time.now = 1167;
    expect(loads).toHaveLength(1);
    void use('a');
    expect(loads).toHaveLength(2);
  });

  test('is what those wait for who come when the old is too old', async () => {
    const { time, loads, put, use } = setUpRefresh();
    await put('a');
    time.now += 90;
    await use('a');
    time.now += 10;
    const waiting = [use('a'), use('a')];
    expect(loads).toHaveLength(1);
    loads[0]?.resolve('new');
    expect(await Promise.all(waiting)).toMatchObject([{ value: 'new' }, { value: 'new' }]);
  });

  test('that fails leaves the old until its time, and is not tried again', async () => {
    const { time, loads, put, use, settle } = setUpRefresh();
    await put('a');
    time.now += 90;
    await use('a');
    loads[0]?.reject(new Error('down'));
    await settle();
    time.now += 9;
    expect(await use('a')).toMatchObject({ value: 'old' });
    expect(loads).toHaveLength(1);
  });

  test('that fails under those who wait for it is followed by a load of their own, one for all', async () => {
    const { time, loads, put, use, settle } = setUpRefresh();
    await put('a');
    time.now += 90;
    await use('a');
    time.now += 10;
    const waiting = [use('a'), use('a')];
    loads[0]?.reject(new Error('its token has expired'));
    await settle();
    expect(loads).toHaveLength(2);
    loads[1]?.resolve('own');
    expect(await Promise.all(waiting)).toMatchObject([{ value: 'own' }, { value: 'own' }]);
  });

  test('that brings what is kept for a moment only leaves what is good for longer', async () => {
    const { time, loads, put, use, settle } = setUpRefresh({ keepMs: (value) => (value === 'partial' ? 5 : 100) });
    await put('a');
    time.now += 90;
    await use('a');
    loads[0]?.resolve('partial');
    await settle();
    expect(await use('a')).toMatchObject({ value: 'old' });
  });

  test('is discarded, and ended, by what makes the old be forgotten', async () => {
    const { time, cache, loads, put, use, settle } = setUpRefresh();
    await put('a');
    time.now += 90;
    await use('a');
    cache.delete('a');
    expect(loads[0]?.signal.aborted).toBe(true);
    loads[0]?.resolve('new');
    await settle();
    expect(cache.peek('a')).toBeUndefined();
  });

  test('goes on for others when one who waited for it leaves', async () => {
    const { time, cache, loads, put, use, settle } = setUpRefresh();
    await put('a');
    time.now += 90;
    await use('a');
    time.now += 10;
    const leaving = new AbortController();
    const waiting = cache.get('a', () => Promise.reject(new Error('not asked')), leaving.signal);
    leaving.abort(new Error('left'));
    await expect(waiting).rejects.toThrow('left');
    expect(loads[0]?.signal.aborted).toBe(false);
    loads[0]?.resolve('new');
    await settle();
    expect(cache.peek('a')).toMatchObject({ value: 'new' });
  });

  test('is one of a few at a time', async () => {
    const { time, loads, put, use, settle } = setUpRefresh({ maxRefreshes: 2 });
    for (const key of ['a', 'b', 'c']) await put(key);
    time.now += 90;
    for (const key of ['a', 'b', 'c']) await use(key);
    expect(loads.map(({ key }) => key)).toEqual(['a', 'b']);
    loads[0]?.resolve('new');
    await settle();
    await use('c');
    expect(loads.map(({ key }) => key)).toEqual(['a', 'b', 'c']);
  });

  test('ends with the cache, and none begins after', async () => {
    const { time, cache, loads, put, use } = setUpRefresh();
    for (const key of ['a', 'b']) await put(key);
    time.now += 90;
    await use('a');
    cache.close();
    expect(loads[0]?.signal.aborted).toBe(true);
    await use('b');
    expect(loads).toHaveLength(1);
  });
});
