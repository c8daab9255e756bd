import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { isObject } from '../kcp/json.ts';
import type { JsonObject } from '../kcp/json.ts';
import { Lru } from '../lru.ts';

/** An answer, split where the id of the request stands in it. */
export interface KnownAnswer {
  readonly headers: Readonly<Record<string, string>>;
  readonly before: Buffer;
  readonly after: Buffer;
}

/** A request whose answer may be known. */
export interface Question {
  readonly key: string;
  /** The id of the request, as JSON. */
  readonly id: string;
  /** What the MCP handler has to be given for the answer to be remembered: the request with a stand-in for its id. */
  readonly body: JsonObject;
  /** What the answer depends on, as of when it was asked. */
  readonly version: object;
}

/**
 * Remembers the handler's answers to what is the same for all callers: the lists of what there is. Clients ask for those at
 * the start of each conversation, and the handler makes each of them anew, 50 KiB long.
 */
export interface Memo {
  /** @returns undefined for what has to be asked each time. */
  questionOf(req: Pick<IncomingMessage, 'headers' | 'method'>, body: unknown): Question | undefined;
  get(question: Question): KnownAnswer | undefined;
  /**
   * Remembers an answer to `question.body` where it is a success.
   * @returns the same answer, for the request as it came.
   */
  keep(question: Question, answer: { status: number; headers: Readonly<Record<string, string>>; text: string }): string;
}

const SAME_FOR_ALL = new Set(['tools/list', 'prompts/list', 'server/discover']);
/** Headers by which a client asks, beside those of MCP. */
const ASKED = new Set(['accept', 'content-type', 'last-event-id']);
/** Different ways to ask: two eras, and what clients tell of themselves. About 50 KiB each. */
const MAX_ANSWERS = 16;
const MAX_KEY = 4 * 1024;

/** @param version what answers depend on: those to an earlier one are forgotten. */
export function createMemo(version: () => object): Memo {
  /** Can't stand in an answer by chance. */
  const standIn = randomUUID();
  const written = JSON.stringify(standIn);
  let of = version();
  const answers = new Lru<KnownAnswer>(MAX_ANSWERS);

  function current(): Lru<KnownAnswer> {
    if (of !== version()) answers.clear();
    of = version();
    return answers;
  }

  return {
    questionOf({ headers, method: verb }, body) {
      if (verb !== 'POST' || !isObject(body)) return undefined;
      const { id, method, ...rest } = body;
      if (typeof method !== 'string' || !SAME_FOR_ALL.has(method)) return undefined;
      if (typeof id !== 'string' && !Number.isSafeInteger(id)) return undefined;
      const relevant = Object.entries(headers).filter(([name]) => name.startsWith('mcp-') || ASKED.has(name));
      const key = JSON.stringify([method, rest, relevant]);
      if (key.length > MAX_KEY) return undefined;
      return { key, id: JSON.stringify(id), body: { ...rest, method, id: standIn }, version: version() };
    },
    get: ({ key }) => current().get(key),
    keep({ key, id, version: asked }, { status, headers, text }) {
      const [before = '', after, ...more] = text.split(written);
      if (status === 200 && after !== undefined && more.length === 0 && asked === version()) {
        current().set(key, { headers, before: Buffer.from(before), after: Buffer.from(after) });
      }
      return text.replaceAll(written, () => id);
    },
  };
}
