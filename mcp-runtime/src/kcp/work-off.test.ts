import { describe, expect, test } from '@jest/globals';
import { workOff } from './work-off.ts';
import type { Work } from './work-off.ts';

const tick = () => new Promise((resolve) => setImmediate(resolve));

describe('workOff', () => {
  test('ends when all is done that was found on the way', async () => {
    const done: string[] = [];
    const work =
      (name: string): Work =>
      async (queue) => {
        await tick();
        done.push(name);
        if (name.length < 4) for (const letter of 'ab') queue.later(work(name + letter));
      };
    await workOff([work('')], 3);
    expect(done).toHaveLength(31);
    expect(new Set(done).size).toBe(31);
  });

  test('nothing to do is done', async () => {
    await expect(workOff([], 1)).resolves.toBeUndefined();
  });

  test('does so many at a time', async () => {
    let running = 0;
    let most = 0;
    const work: Work = async () => {
      running += 1;
      most = Math.max(most, running);
      await tick();
      running -= 1;
    };
    await workOff(Array<Work>(3_500).fill(work), 16);
    expect(most).toBe(16);
  });

  test('what is urgent comes before what waits', async () => {
    const done: string[] = [];
    const note =
      (name: string): Work =>
      () => {
        done.push(name);
        return Promise.resolve();
      };
    const first: Work = (queue) => {
      queue.later(note('later'));
      queue.next(note('next'));
      return Promise.resolve();
    };
    await workOff([first, note('waiting')], 1);
    expect(done).toEqual(['next', 'waiting', 'later']);
  });

  test('a failure ends it; nothing more is begun, not by those under way either', async () => {
    let begun = 0;
    const fails: Work = async () => {
      begun += 1;
      await tick();
      throw new Error('no');
    };
    const finds: Work = async (queue) => {
      begun += 1;
      await tick();
      await tick();
      queue.next(finds);
    };
    await expect(workOff([fails, finds, fails, finds], 2)).rejects.toThrow('no');
    await tick();
    await tick();
    expect(begun).toBe(2);
  });
});
