import { numberAt, stringAt } from '../../kcp/json.ts';
import { age } from '../../output/table.ts';
import type { Table } from '../../output/table.ts';
import { shorten } from '../../output/text.ts';

/** An event with what it is sorted by. */
export interface TimedEvent {
  /** When it was last seen. Milliseconds since the epoch; 0 where it doesn't say. */
  readonly lastSeen: number;
  readonly uid: string;
  readonly event: unknown;
}

/** Where a list of events goes on: after the one that was shown last. */
export type Cursor = Pick<TimedEvent, 'lastSeen' | 'uid'>;

/** What the API allows for a message; what is longer came some other way. */
const MAX_MESSAGE = 1024;

/** Every field in which one kind of reporter or another says when the event was last seen. */
const TIMES = [['series', 'lastObservedTime'], ['lastTimestamp'], ['eventTime'], ['firstTimestamp']] as const;

/** @see https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/ */
export function timed(event: unknown): TimedEvent {
  const timeAt = (...path: string[]) => Date.parse(stringAt(event, ...path) ?? '') || 0;
  const latest = Math.max(...TIMES.map((path) => timeAt(...path)));
  return {
    lastSeen: latest || timeAt('metadata', 'creationTimestamp'),
    uid: stringAt(event, 'metadata', 'uid') ?? '',
    event,
  };
}

/** Newest first; among those of the same moment always in the same order. */
export function newestFirst(a: Cursor, b: Cursor): number {
  return b.lastSeen - a.lastSeen || (a.uid < b.uid ? -1 : a.uid > b.uid ? 1 : 0);
}

export function formatCursor({ lastSeen, uid }: Cursor): string {
  return `${lastSeen}/${uid}`;
}

/** Undefined where it isn't one. */
export function parseCursor(text: string): Cursor | undefined {
  const [, time, uid = ''] = /^(\d{1,15})\/([\w-]*)$/.exec(text) ?? [];
  return time === undefined ? undefined : { lastSeen: Number(time), uid };
}

/** The columns of `kubectl get events`, and how often each was seen. */
export function eventTable(events: readonly TimedEvent[], withNamespace: boolean, now: number): Table {
  const columns = ['Last seen', 'Count', 'Type', 'Reason', 'Object', 'Message'];
  const rows = events.map(({ event, lastSeen }) => {
    const own = [
      lastSeen === 0 ? '-' : age(new Date(lastSeen).toISOString(), now),
      String(numberAt(event, 'series', 'count') ?? numberAt(event, 'count') ?? 1),
      word(stringAt(event, 'type')),
      word(stringAt(event, 'reason')),
      objectOf(event),
      shorten(stringAt(event, 'message') ?? '', MAX_MESSAGE),
    ];
    return withNamespace ? [word(stringAt(event, 'metadata', 'namespace')), ...own] : own;
  });
  return { columns: withNamespace ? ['Namespace', ...columns] : columns, rows };
}

/** `pod/web-1`, as kubectl names it. */
function objectOf(event: unknown): string {
  const kind = stringAt(event, 'involvedObject', 'kind');
  const name = stringAt(event, 'involvedObject', 'name');
  return kind === undefined ? '-' : shorten(`${kind.toLowerCase()}/${name ?? ''}`, 100);
}

function word(text: string | undefined): string {
  return text === undefined ? '-' : shorten(text, 100);
}
