/** Leader election on a Lease, by the rules of client-go's `leaderelection`. */
import type { Clock } from './clock.ts';
import type { KubeClient } from './client.ts';
import type { Logger } from './types.ts';

export interface LeaderElectionOptions {
  client: KubeClient;
  namespace: string;
  /** Name of the Lease. */
  name: string;
  /** Unique to this process, e.g. Pod name and a random suffix. */
  identity: string;
  /** How long others wait, from when *they* last saw a change, before taking over. Default 15,000 ms. */
  leaseDurationMs?: number;
  /** The term ends when renewing hasn't succeeded for so long. Default 10,000 ms; less than leaseDurationMs. */
  renewDeadlineMs?: number;
  /** Between attempts. Default 2,000 ms. */
  retryPeriodMs?: number;
  /** Called with the term's signal; it aborts when the lease is lost or given up. What it returns is awaited before release. */
  onElected: (term: AbortSignal) => void | Promise<void>;
  /** The lease was lost: not called for {@link LeaderElection.stop}. The term's signal has aborted already. */
  onLost: () => void;
  /** Who leads now, after each change seen. */
  onNewLeader?: (identity: string) => void;
  clock?: Clock;
  random?: () => number;
  logger?: Logger;
}

export interface LeaderElection {
  start(): void;
  isLeader(): boolean;
  /** Who holds the lease, as last seen; '' when nobody does. */
  leader(): string;
  /** Ends the term (signal, then waits for `onElected`'s promise), releases the lease so that another takes over at once. */
  stop(): Promise<void>;
}

export declare function createLeaderElection(options: LeaderElectionOptions): LeaderElection;
