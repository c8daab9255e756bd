/**
 * Questions to the world outside the cluster, asked once for all who have the same one, and again from time to time. Whoever
 * asks gets what is known at once, and is woken when that changes.
 */
import { jittered } from '../kube/failures.ts';
import { systemClock, type Clock, type Logger } from '../kube/index.ts';
import { limiter } from './limit.ts';

export interface SharedChecksOptions<Q, A> {
  /** Never rejects but when `signal` aborts; a rejection all the same is logged and counts as no answer. */
  ask: (question: Q, signal: AbortSignal) => Promise<A>;
  judge: (answer: A) => Verdict;
  /** Called with each user of an answer that changed. */
  wake: (user: string) => void;
  logger?: Logger;
  clock?: Clock;
  random?: () => number;
}

export type Timing = Pick<SharedChecksOptions<never, never>, 'logger' | 'clock'>;

/**
 * - `good`: asked again seldom
 * - `bad`: somebody has to mend it, and may do so at any moment: asked again often
 * - `passing`: may be over at the next look: told only when it was seen three times in a row, unless nothing is known
 */
export type Verdict = 'good' | 'bad' | 'passing';

const SELDOM_MS = 600_000;
const OFTEN_MS = { first: 5_000, longest: 60_000 };
const PATIENCE = 3;
/** At a time; of those that got no answer at the last look, which may take as long again, no more than half. */
const CONCURRENCY = 8;
const DOUBTFUL = CONCURRENCY / 2;

interface Entry<Q, A> {
  question: Q;
  users: Set<string>;
  /** What is told: '' before the first answer. */
  told?: { answer: A; id: string; verdict: Verdict };
  /** The last answer was a passing one. */
  doubtful: boolean;
  /** Passing answers in a row, and the last of them. */
  doubts: { count: number; id: string };
  attempts: number;
  ending: AbortController;
  cancel?: () => void;
}

export class SharedChecks<Q, A> {
  readonly #options: SharedChecksOptions<Q, A>;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #entries = new Map<string, Entry<Q, A>>();
  readonly #limit = limiter(CONCURRENCY);
  readonly #limitDoubtful = limiter(DOUBTFUL);

  constructor(options: SharedChecksOptions<Q, A>) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? Math.random;
  }

  /** What is known now; undefined before the first answer. From here on `user` is woken when it changes. */
  look(question: Q, user: string): A | undefined {
    const id = JSON.stringify(question);
    const entry = this.#entries.get(id) ?? this.#start(id, question);
    entry.users.add(user);
    return entry.told?.answer;
  }

  /** `user` asks nothing but `keep` any more. What nobody asks is forgotten. */
  release(user: string, keep: readonly Q[] = []): void {
    const kept = new Set(keep.map((question) => JSON.stringify(question)));
    for (const [id, entry] of this.#entries) {
      if (kept.has(id) || !entry.users.delete(user) || entry.users.size > 0) continue;
      this.#end(id, entry);
    }
  }

  /** Different questions that are asked. */
  get size(): number {
    return this.#entries.size;
  }

  /** Nobody asks anything any more, until the next {@link look}. */
  stop(): void {
    for (const [id, entry] of this.#entries) this.#end(id, entry);
  }

  #start(id: string, question: Q): Entry<Q, A> {
    const ending = new AbortController();
    const doubts = { count: 0, id: '' };
    const entry: Entry<Q, A> = { question, users: new Set(), doubtful: false, doubts, attempts: 0, ending };
    this.#entries.set(id, entry);
    void this.#ask(entry);
    return entry;
  }

  #end(id: string, entry: Entry<Q, A>): void {
    entry.cancel?.();
    entry.ending.abort();
    this.#entries.delete(id);
  }

  async #ask(entry: Entry<Q, A>): Promise<void> {
    const { question, ending } = entry;
    let verdict: Verdict = 'passing';
    try {
      const ask = () =>
        this.#limit(() => {
          ending.signal.throwIfAborted();
          return this.#options.ask(question, ending.signal);
        });
      const answer = await (entry.doubtful ? this.#limitDoubtful(ask) : ask());
      verdict = this.#options.judge(answer);
      if (!ending.signal.aborted) this.#take(entry, answer, verdict);
    } catch (error) {
      if (!ending.signal.aborted) this.#options.logger?.warn('a check failed', { error: String(error) });
    }
    if (ending.signal.aborted) return;
    entry.doubtful = verdict === 'passing';
    entry.attempts = verdict === 'good' ? 0 : entry.attempts + 1;
    const often = Math.min(OFTEN_MS.longest, OFTEN_MS.first * 2 ** Math.min(entry.attempts - 1, 10));
    entry.cancel = this.#clock.after(jittered(verdict === 'good' ? SELDOM_MS : often, this.#random), () => {
      void this.#ask(entry);
    });
  }

  #take(entry: Entry<Q, A>, answer: A, verdict: Verdict): void {
    const id = JSON.stringify(answer);
    const { told, doubts } = entry;
    if (verdict !== 'passing' || id === told?.id) {
      entry.doubts = { count: 0, id: '' };
    } else if (told) {
      // From one passing fault to another and back, without end, nothing would be won by telling.
      const again = told.verdict !== 'passing' || doubts.id === id;
      entry.doubts = { count: again ? doubts.count + 1 : 1, id };
      if (entry.doubts.count < PATIENCE) return;
    }
    entry.told = { answer, id, verdict };
    if (id === told?.id) return;
    for (const user of entry.users) this.#options.wake(user);
  }
}
