import { createHash } from 'node:crypto';

/** A yes that somebody has to say before a call goes on. */
export interface Question {
  /** Names what is asked within the call: the same in every round. */
  readonly id: string;
  /** For the person. */
  readonly message: string;
  /** What the person has to type for a yes; where absent, accepting is enough. */
  readonly type?: string;
}

/** What the rounds of one call have settled so far; sealed by the server and carried by the client. */
export interface Settled {
  /** Keys of the questions that were put to the person. */
  readonly asked: readonly string[];
  /** Keys of those that had a yes in a round before the last one. */
  readonly confirmed: readonly string[];
}

/** The person behind a call, as far as the protocol of its client reaches them (MCP 2026-07-28, multi-round-trip requests). */
export interface Interaction {
  /** Whether this client can put a form to its user. */
  readonly canAsk: boolean;
  /** What earlier rounds settled: verified to be this caller's and ours. */
  readonly settled: Settled | undefined;
  /** The answer that came with this round. */
  readonly answer: Answer | undefined;
}

export type Answer =
  { readonly action: 'accept'; readonly typed: string | undefined } | { readonly action: 'decline' | 'cancel' };

/** Nobody can be asked: clients of earlier protocols, and completions. */
export const NOBODY: Interaction = { canAsk: false, settled: undefined, answer: undefined };

/** Ends a round: the client has to put the question to its user and call again with the answer. */
export class InputNeeded extends Error {
  override readonly name = 'InputNeeded';
  readonly question: Question;
  readonly settled: Settled;

  constructor(question: Question, settled: Settled) {
    super(question.message);
    this.question = question;
    this.settled = settled;
  }
}

/** What became of a question. */
export type Verdict = 'confirmed' | 'declined' | 'mistyped' | 'cannot ask';

/**
 * The questions of one call, asked one after the other, each in a round of its own. A handler runs from its beginning in every
 * round, so it asks before it changes anything.
 *
 * A yes counts only for what was asked: a key is a hash over tool, arguments and question, so that a client can't bring a
 * yes to another question, nor one to none.
 */
export class Questions {
  readonly #interaction: Interaction;
  readonly #scope: string;
  readonly #confirmed: Set<string>;

  /** @param call tool and arguments of the call, as they came. */
  constructor(interaction: Interaction, call: { readonly tool: string; readonly args: unknown }) {
    this.#interaction = interaction;
    this.#scope = JSON.stringify([call.tool, sorted(call.args)]);
    this.#confirmed = new Set(interaction.settled?.confirmed);
  }

  /**
   * Settles a question.
   * @throws {InputNeeded} when the person has to be asked first.
   */
  ask(question: Question): Verdict {
    const { canAsk, settled, answer } = this.#interaction;
    const key = this.#keyOf(question);
    if (this.#confirmed.has(key)) return 'confirmed';
    if (answer !== undefined && settled?.asked.includes(key) === true) {
      if (answer.action !== 'accept') return 'declined';
      if (question.type !== undefined && answer.typed !== question.type) return 'mistyped';
      this.#confirmed.add(key);
      return 'confirmed';
    }
    if (!canAsk) return 'cannot ask';
    throw new InputNeeded(question, { asked: [key], confirmed: [...this.#confirmed] });
  }

  #keyOf({ id, type }: Question): string {
    return createHash('sha256')
      .update(JSON.stringify([this.#scope, id, type ?? null]))
      .digest('base64url')
      .slice(0, 22);
  }
}

/** The value with the keys of its objects in order: clients may write the arguments of a retried call anew. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.entries(value)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, field]) => [key, sorted(field)]);
}
