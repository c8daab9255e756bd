import { ApiError } from '../errors.ts';
import type { KubeClient } from '../client.ts';
import type { Lease } from '../lease.ts';

/** An API server that knows one Lease, and fails when told. */
export class FakeLeases {
  lease: Lease | undefined;
  #version = 0;

  /** Who can't reach it. */
  readonly down = new Set<string>();
  /** Who reaches it, and is refused. */
  readonly refused = new Set<string>();
  refusals = 0;
  /** Who gets no answer, ever. */
  readonly unanswered = new Set<string>();
  readonly writes: { identity: string; at: number }[] = [];
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** The client of one process. */
  client(identity: string): KubeClient {
    const reach = async (): Promise<void> => {
      await (this.unanswered.has(identity) ? new Promise(() => undefined) : Promise.resolve());
      if (this.down.has(identity)) throw failure(0, 'Network');
      if (!this.refused.has(identity)) return;
      this.refusals += 1;
      throw failure(403, 'Forbidden');
    };
    const store = (lease: Lease): Lease => {
      this.writes.push({ identity, at: this.#now() });
      this.lease = { ...lease, metadata: { ...lease.metadata, resourceVersion: String(++this.#version) } };
      return structuredClone(this.lease);
    };
    return {
      get: async () => {
        await reach();
        return structuredClone(this.lease);
      },
      create: async (_: unknown, lease: Lease) => {
        await reach();
        if (this.lease !== undefined) throw failure(409, 'AlreadyExists');
        return store(lease);
      },
      update: async (_: unknown, lease: Lease) => {
        await reach();
        if (this.lease?.metadata.resourceVersion !== lease.metadata.resourceVersion) throw failure(409, 'Conflict');
        return store(lease);
      },
    } as unknown as KubeClient;
  }
}

function failure(status: number, reason: string): ApiError {
  return new ApiError({ status, reason, message: reason });
}
