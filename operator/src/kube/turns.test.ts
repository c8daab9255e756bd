import { expect, test } from '@jest/globals';
import { FakeClock } from './testing/fake-clock.ts';
import { Turns } from './turns.ts';

test('so many at a time, the others in the order in which they came', async () => {
  const turns = new Turns(2);
  const entered: string[] = [];
  const enter = async (name: string): Promise<() => void> => {
    const end = await turns.take();
    entered.push(name);
    return end;
  };
  const [first, second, third, fourth] = ['a', 'b', 'c', 'd'].map(enter);
  const endFirst = await first;
  await second;
  expect(entered).toEqual(['a', 'b']);
  endFirst?.();
  // Twice is once.
  endFirst?.();
  const endThird = await third;
  expect(entered).toEqual(['a', 'b', 'c']);
  endThird?.();
  await fourth;
  expect(entered).toEqual(['a', 'b', 'c', 'd']);
});

/** Enters in the background, and says so. */
function entering(turns: Turns) {
  const entered: string[] = [];
  const enter = (name: string, patient: boolean): void => {
    void turns.take({ patient }).then((end) => {
      entered.push(name);
      end();
    });
  };
  return { entered, enter };
}

test('the patient come after the others, and not while there is more urgent work', async () => {
  const clock = new FakeClock();
  const turns = new Turns(1, clock);
  const { entered, enter } = entering(turns);
  turns.setBusy(true);
  enter('patient', true);
  enter('other', false);
  await clock.advance(0);
  expect(entered).toEqual(['other']);
  const end = await turns.take();
  enter('second patient', true);
  turns.setBusy(false);
  enter('late', false);
  end();
  await clock.advance(0);
  expect(entered).toEqual(['other', 'late', 'patient', 'second patient']);
  expect(clock.timers).toBe(0);
});

test('the patient don’t wait for long, however often the others pause', async () => {
  const clock = new FakeClock();
  const turns = new Turns(1, clock);
  const { entered, enter } = entering(turns);
  turns.setBusy(true);
  enter('a', true);
  enter('b', true);
  await clock.advance(29_000);
  expect(entered).toEqual([]);
  const end = await turns.take();
  turns.setBusy(false);
  turns.setBusy(true);
  end();
  await clock.advance(1_000);
  expect(entered).toEqual(['a', 'b']);
  expect(clock.timers).toBe(0);
});

test('nor when they are told to hurry', async () => {
  const clock = new FakeClock();
  const turns = new Turns(1, clock);
  const { entered, enter } = entering(turns);
  turns.setBusy(true);
  enter('a', true);
  turns.hurry();
  enter('b', true);
  await clock.advance(0);
  expect(entered).toEqual(['a']);
  turns.setBusy(false);
  await clock.advance(0);
  expect(clock.timers).toBe(0);
});
