import { Turns } from '../kube/index.ts';

/** Runs at most so many tasks at a time; the others wait in the order they came. */
export function limiter(atMost: number): <T>(task: () => Promise<T>) => Promise<T> {
  const turns = new Turns(atMost);
  return async (task) => {
    const end = await turns.take();
    try {
      return await task();
    } finally {
      end();
    }
  };
}
