import * as z from 'zod';
import { numberAt, stringAt } from '../kcp/json.ts';

export const DEFAULT_LIMIT = 100;
export const MAX_LIMIT = 500;

/** The arguments that every list has. */
export const pageArguments = {
  limit: z
    .int()
    .min(1)
    .max(MAX_LIMIT)
    .optional()
    .describe(`Most entries to return (default ${DEFAULT_LIMIT}, at most ${MAX_LIMIT})`),
  continue: z
    .string()
    .min(1)
    .max(4096)
    .regex(/^[\w\-+/=:.]+$/, 'not a continue token of an earlier answer')
    .optional()
    .describe(
      'Token from the end of an earlier answer, to get the entries after it; keep the other arguments the same',
    ),
};

/** What is left after a page of a list. */
export interface Rest {
  /** Token for the next page; undefined on the last one. */
  readonly next: string | undefined;
  /** How many entries follow, where the server says so. */
  readonly remaining: number | undefined;
}

/** What the list's metadata says of the rest. */
export function restOf(list: unknown): Rest {
  return {
    next: stringAt(list, 'metadata', 'continue'),
    remaining: numberAt(list, 'metadata', 'remainingItemCount'),
  };
}

/** The sentence after a list that was cut, and how to get the rest; undefined where nothing was. */
export function cutNote(shown: number, { next, remaining }: Rest): string | undefined {
  if (next === undefined) return undefined;
  const more = remaining === undefined ? 'there are more' : `${remaining} more follow`;
  return `[cut after ${shown}: ${more}; call again with the same arguments and continue: ${JSON.stringify(next)}]`;
}
