/** The Lease as a lock. Each write carries the resourceVersion that was read: of two takers one fails. */
import type { KubeClient } from './client.ts';
import type { Clock } from './clock.ts';
import { isAlreadyExists, isConflict } from './errors.ts';
import type { KubeObject, Resource } from './types.ts';

export const leaseResource: Resource = {
  group: 'coordination.k8s.io',
  version: 'v1',
  plural: 'leases',
  kind: 'Lease',
  namespaced: true,
};

/** `coordination.k8s.io/v1` Lease, the parts that leader election uses. Times are RFC 3339 with microseconds. */
export interface Lease extends KubeObject {
  spec?: {
    holderIdentity?: string;
    leaseDurationSeconds?: number;
    acquireTime?: string;
    renewTime?: string;
    leaseTransitions?: number;
  };
}

export interface LeaseLockOptions {
  client: KubeClient;
  namespace: string;
  name: string;
  identity: string;
  leaseDurationMs: number;
  clock: Clock;
}

export interface LeaseLock {
  /** True when we hold the lease now. All its requests together end at `until` (monotonic ms). Rejects with ApiError when that's unknown. */
  tryAcquireOrRenew(until: number): Promise<boolean>;
  /** Leaves the lease to nobody, if it is ours still. `until` is a monotonic time, too. */
  release(until: number): Promise<void>;
  /** As last seen; '' for nobody. */
  holder(): string;
  heldByAnother(): boolean;
}

export function createLeaseLock(options: LeaseLockOptions): LeaseLock {
  const { client, namespace, name, identity, leaseDurationMs, clock } = options;
  const key = { namespace, name };
  /** The last version of the lease that we saw, and when (monotonic ms). */
  let observed: Lease | undefined;
  let observedAt = 0;

  function observe(lease: Lease): void {
    if (observed?.metadata.resourceVersion !== lease.metadata.resourceVersion) observedAt = clock.monotonic();
    observed = lease;
  }

  const holder = (): string => observed?.spec?.holderIdentity ?? '';
  const heldByAnother = (): boolean => holder() !== '' && holder() !== identity;

  function expired(): boolean {
    const seconds = observed?.spec?.leaseDurationSeconds;
    return clock.monotonic() >= observedAt + (seconds === undefined ? leaseDurationMs : seconds * 1000);
  }

  function ours(previous: Lease | undefined): Lease {
    const now = microTime(clock.now());
    const before = previous?.spec;
    const renewing = before?.holderIdentity === identity;
    return {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: previous?.metadata ?? key,
      spec: {
        holderIdentity: identity,
        leaseDurationSeconds: Math.ceil(leaseDurationMs / 1000),
        acquireTime: renewing ? (before.acquireTime ?? now) : now,
        renewTime: now,
        leaseTransitions: (before?.leaseTransitions ?? 0) + (renewing || before === undefined ? 0 : 1),
      },
    };
  }

  const left = (until: number): number => Math.max(1, until - clock.monotonic());
  const write = { fieldManager: identity.slice(0, 128) };

  /** PUT; false when somebody was quicker. */
  async function put(lease: Lease, until: number): Promise<boolean> {
    try {
      observe(await client.update(leaseResource, lease, { ...write, timeoutMs: left(until) }));
      return true;
    } catch (error) {
      if (isConflict(error)) return false;
      throw error;
    }
  }

  async function create(until: number): Promise<boolean> {
    try {
      observe(await client.create(leaseResource, ours(undefined), { ...write, timeoutMs: left(until) }));
      return true;
    } catch (error) {
      if (isAlreadyExists(error)) return false;
      throw error;
    }
  }

  return {
    async tryAcquireOrRenew(until) {
      // renewing what we know to be ours needs no GET
      if (observed !== undefined && holder() === identity && (await put(ours(observed), until))) return true;
      const current = await client.get<Lease>(leaseResource, key, { timeoutMs: left(until) });
      if (current === undefined) {
        observed = undefined;
        return create(until);
      }
      observe(current);
      if (heldByAnother() && !expired()) return false;
      return put(ours(current), until);
    },
    async release(until) {
      if (observed === undefined || holder() !== identity) return;
      const released = ours(observed);
      await put({ ...released, spec: { ...released.spec, holderIdentity: '', leaseDurationSeconds: 1 } }, until);
    },
    holder,
    heldByAnother,
  };
}

/** `metav1.MicroTime`: RFC 3339 in UTC with six digits. */
export function microTime(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '000Z');
}
