import { arrayAt } from '../../kcp/json.ts';
import { restOf } from '../../output/paginate.ts';
import type { ApiRequest } from '../caller-api.ts';
import type { Call } from '../tool.ts';

export interface PageBounds {
  /** Entries of one answer: as many as surely stay below the largest one that is read. */
  readonly pageSize: number;
  /** Most entries of all. */
  readonly max: number;
}

/**
 * Reads a list page by page, handing each on, so that never more than one is held.
 * @returns whether that was all.
 * @throws {KcpError} {ToolError}
 */
export async function eachPage(
  request: ApiRequest,
  { pageSize, max }: PageBounds,
  call: Call,
  take: (items: readonly unknown[]) => void,
): Promise<boolean> {
  let next: string | undefined;
  for (let seen = 0; seen < max; seen += pageSize) {
    const limit = Math.min(pageSize, max - seen);
    const list = await call.api.request({ ...request, query: { ...request.query, limit, continue: next } });
    take(arrayAt(list, 'items'));
    next = restOf(list).next;
    if (next === undefined) return true;
  }
  return false;
}
