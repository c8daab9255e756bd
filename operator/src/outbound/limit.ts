/** Runs at most so many tasks at a time; the others wait in the order they came. */
export function limiter(atMost: number): <T>(task: () => Promise<T>) => Promise<T> {
  let running = 0;
  const waiting: (() => void)[] = [];
  return async (task) => {
    if (running >= atMost) await new Promise<void>((resolve) => waiting.push(resolve));
    else running += 1;
    try {
      return await task();
    } finally {
      // Who is next takes over the place of who has finished.
      const next = waiting.shift();
      if (next) next();
      else running -= 1;
    }
  };
}
