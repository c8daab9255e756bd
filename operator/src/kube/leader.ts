/**
 * Leader election on a Lease (coordination.k8s.io/v1), by the rules of client-go's `leaderelection`: nobody trusts
 * another's clock. A holder is given `leaseDuration` from when *we* saw its lease change last; a leader gives up after
 * `renewDeadline`, which is shorter, counted from when it *sent* its last successful renewal.
 */
import { sleep, systemClock } from './clock.ts';
import type { Clock } from './clock.ts';
import type { KubeClient } from './client.ts';
import { FailurePolicy } from './failures.ts';
import { createLeaseLock } from './lease.ts';
import type { LeaseLock } from './lease.ts';
import { silentLogger } from './types.ts';
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
  /**
   * Between attempts. Without a term up to 20 % longer by chance, and after a failure shorter, or as long as Retry-After says.
   * Default 2,000 ms.
   */
  retryPeriodMs?: number;
  /**
   * Called with the term's signal, which aborts when the lease is lost or given up. The promise that it returns is the
   * term's work: it is awaited before the lease is released, and before another term.
   */
  onElected: (term: AbortSignal) => void | Promise<void>;
  /** The lease was lost: not called for {@link LeaderElection.stop}. The term's signal has aborted already. */
  onLost: () => void;
  /** Who leads now, after each change seen; '' for nobody. */
  onNewLeader?: (identity: string) => void;
  clock?: Clock;
  random?: () => number;
  logger?: Logger;
}

export interface LeaderElection {
  /** Begins to stand for election, again after each lost term; a second call does nothing. */
  start(): void;
  /**
   * Whether the term lasts, by the clock: false after the renew deadline even where no timer could fire (a stopped
   * process). Give it to `KubeClient.withSignal` as `isValid`.
   */
  isLeader(): boolean;
  /** Who holds the lease, as last seen; '' when nobody does. */
  leader(): string;
  /** Ends the term (signal, then waits for `onElected`'s promise), releases the lease so that another takes over at once. */
  stop(): Promise<void>;
}

/** @throws RangeError when the durations don't leave a loser time to notice before another takes over. */
export function createLeaderElection(options: LeaderElectionOptions): LeaderElection {
  return new Election(options);
}

interface Term {
  controller: AbortController;
  work: Promise<void>;
  /** When it ends unless it's renewed (monotonic ms). */
  until: number;
}

class Election implements LeaderElection {
  readonly #options: LeaderElectionOptions;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #logger: Logger;
  readonly #renewDeadlineMs: number;
  readonly #retryPeriodMs: number;
  readonly #lock: LeaseLock;
  readonly #stopping = new AbortController();
  readonly #failures: FailurePolicy;
  #term: Term | undefined;
  #seen = '';
  /** Until the next attempt to be elected. */
  #pauseMs = 0;
  #running: Promise<void> | undefined;

  constructor(options: LeaderElectionOptions) {
    const { leaseDurationMs = 15_000, renewDeadlineMs = 10_000, retryPeriodMs = 2_000 } = options;
    if (leaseDurationMs <= renewDeadlineMs || renewDeadlineMs <= retryPeriodMs * 1.2) {
      throw new RangeError('leader election needs leaseDuration > renewDeadline > 1.2 × retryPeriod');
    }
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? Math.random;
    this.#logger = options.logger ?? silentLogger;
    this.#renewDeadlineMs = renewDeadlineMs;
    this.#retryPeriodMs = retryPeriodMs;
    this.#lock = createLeaseLock({ ...options, leaseDurationMs, clock: this.#clock });
    const delays = { backoffMinMs: retryPeriodMs / 8, backoffMaxMs: retryPeriodMs, absentMs: retryPeriodMs };
    this.#failures = new FailurePolicy({ ...delays, unreachableMaxMs: retryPeriodMs / 2 }, this.#random);
  }

  start(): void {
    this.#running ??= this.#run();
  }

  isLeader(): boolean {
    const term = this.#term;
    return term !== undefined && !term.controller.signal.aborted && this.#clock.monotonic() < term.until;
  }

  leader(): string {
    return this.#lock.holder();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const stopped = (): boolean => this.#stopping.signal.aborted;
    while (!stopped()) {
      const renewedAt = await this.#attempt(Infinity);
      if (renewedAt !== undefined && !stopped()) await this.#serve(renewedAt);
      else if (renewedAt !== undefined) await this.#release();
      await this.#wait(this.#pauseMs);
    }
  }

  /** One term, from its election to its end. */
  async #serve(electedAt: number): Promise<void> {
    const controller = new AbortController();
    const term: Term = { controller, work: Promise.resolve(), until: electedAt + this.#renewDeadlineMs };
    this.#term = term;
    this.#logger.info('became leader', { identity: this.#options.identity });
    term.work = this.#elected(controller.signal);
    await this.#renewUntilLost(term);
    this.#term = undefined;
    controller.abort();
    const lost = !this.#stopping.signal.aborted;
    if (lost) {
      this.#logger.warn('lost the leader lease', { identity: this.#options.identity, leader: this.leader() });
      this.#guard(this.#options.onLost);
    }
    await term.work;
    if (!lost) await this.#release();
  }

  async #elected(term: AbortSignal): Promise<void> {
    try {
      await this.#options.onElected(term);
    } catch (error) {
      this.#logger.error('the work of a term failed', {
        error: error instanceof Error ? error.message : String(error),
      });
    }
  }

  /** Returns when the term is over: not renewed in time, taken by another, or `stop()`. */
  async #renewUntilLost(term: Term): Promise<void> {
    const over = (): boolean => this.#stopping.signal.aborted || this.#clock.monotonic() >= term.until;
    while (!over()) {
      await this.#wait(Math.min(this.#retryPeriodMs, term.until - this.#clock.monotonic()));
      if (over()) return;
      const renewedAt = await this.#inTime(this.#attempt(term.until), term.until);
      if (renewedAt !== undefined) term.until = renewedAt + this.#renewDeadlineMs;
      else if (this.#lock.heldByAnother()) return;
    }
  }

  /** Its result, or undefined at `until`: a request that hangs must not lengthen the term. */
  async #inTime<T>(attempt: Promise<T>, until: number): Promise<T | undefined> {
    const done = new AbortController();
    const late = sleep(this.#clock, until - this.#clock.monotonic(), done.signal).then(() => undefined);
    try {
      return await Promise.race([attempt, late]);
    } finally {
      done.abort();
    }
  }

  /** Tries to take or renew the lease. @returns when the successful request was sent. */
  async #attempt(until: number): Promise<number | undefined> {
    const sentAt = this.#clock.monotonic();
    try {
      // not ended by stop(): a write whose answer we don't know would leave the lease behind
      const held = await this.#lock.tryAcquireOrRenew(Math.min(until, sentAt + this.#renewDeadlineMs / 2));
      this.#failures.reset();
      this.#pauseMs = this.#retryPeriodMs * (1 + this.#random() / 5);
      return held ? sentAt : undefined;
    } catch (error) {
      this.#pauseMs = this.#failures.delay(error);
      if (!this.#stopping.signal.aborted) {
        this.#logger.warn('the leader lease could not be taken or renewed', { error: (error as Error).message });
      }
      return undefined;
    } finally {
      this.#announce();
    }
  }

  async #release(): Promise<void> {
    try {
      await this.#lock.release(this.#clock.monotonic() + this.#retryPeriodMs);
      this.#logger.info('released the leader lease', { identity: this.#options.identity });
    } catch (error) {
      this.#logger.warn('the leader lease could not be released', { error: (error as Error).message });
    }
  }

  #announce(): void {
    const holder = this.#lock.holder();
    if (holder === this.#seen) return;
    this.#seen = holder;
    this.#guard(() => this.#options.onNewLeader?.(holder));
  }

  #wait(ms: number): Promise<void> {
    return sleep(this.#clock, ms, this.#stopping.signal);
  }

  #guard(fn: () => void): void {
    try {
      fn();
    } catch (error) {
      this.#logger.error('a leader election callback failed', { error: (error as Error).message });
    }
  }
}
