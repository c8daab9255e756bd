import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { LoadPlan, LoadResult } from './plan.ts';

/** A load generator in a process of its own, so that its work isn't ours. */
export interface Generator {
  pid: number;
  /** @throws when a connection fails */
  run(plan: LoadPlan): Promise<LoadResult>;
  stop(): void;
}

export function startGenerator(): Generator {
  const child = fork(join(import.meta.dirname, 'main.ts'), { stdio: 'inherit' });
  return {
    pid: child.pid ?? 0,
    run: async (plan) => {
      child.send(plan);
      const answer = await answerOf(child);
      if ('error' in answer) throw new Error(`load on ${plan.origin}: ${answer.error}`);
      return answer.result;
    },
    stop: () => {
      if (child.connected) child.disconnect();
    },
  };
}

async function answerOf(child: ChildProcess): Promise<{ result: LoadResult } | { error: string }> {
  const done = new AbortController();
  const { signal } = done;
  try {
    const exit = once(child, 'exit', { signal }).then(() => [{ error: 'the load generator ended' }]);
    const [answer] = (await Promise.race([once(child, 'message', { signal }), exit])) as [
      { result: LoadResult } | { error: string },
    ];
    return answer;
  } finally {
    done.abort();
  }
}
