import type { KubeClient, ObjectList, WatchEvent, WatchOptions } from '../client.ts';
import type { KubeObject } from '../types.ts';
import { settle } from './fake-clock.ts';

/** One watch request that the test answers. */
export interface OpenWatch {
  options: WatchOptions<KubeObject>;
  send: (event: WatchEvent<KubeObject>) => Promise<void>;
  end: () => Promise<void>;
  fail: (error: unknown) => Promise<void>;
}

/** An API server whose answers the test gives. */
export class FakeWatchServer {
  /** Answers of LIST, one after the other; an Error is thrown. The last one is given again and again. */
  lists: (ObjectList<KubeObject> | Error)[] = [{ resourceVersion: '10', items: [] }];
  listed = 0;
  /** LIST waits for it. */
  gate: Promise<unknown> = Promise.resolve();
  /** What WATCH fails with at once, if anything. */
  refusal: Error | undefined;
  readonly watches: OpenWatch[] = [];

  get client(): KubeClient {
    return {
      pages: async function* (this: FakeWatchServer) {
        await this.gate;
        const answer = this.lists[Math.min(this.listed++, this.lists.length - 1)];
        if (answer === undefined || answer instanceof Error) throw answer ?? new Error('no answer');
        yield answer;
      }.bind(this),
      watch: (_: unknown, options: WatchOptions<KubeObject>) => this.#watch(options),
    } as unknown as KubeClient;
  }

  /** The watch that was opened last. */
  get current(): OpenWatch {
    const watch = this.watches.at(-1);
    if (watch === undefined) throw new Error('nothing is watching');
    return watch;
  }

  async #watch(options: WatchOptions<KubeObject>): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<undefined>();
    this.watches.push({
      options,
      send: async (event) => {
        options.onActivity?.();
        options.onEvent(event);
        await settle();
      },
      end: () => {
        resolve(undefined);
        return settle();
      },
      fail: (error) => {
        reject(error);
        return settle();
      },
    });
    if (this.refusal !== undefined) throw this.refusal;
    options.signal.addEventListener('abort', () => {
      resolve(undefined);
    });
    options.onOpen?.();
    await promise;
  }
}

export function object(name: string, resourceVersion: string, uid = name): KubeObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'ns', uid, resourceVersion } };
}
