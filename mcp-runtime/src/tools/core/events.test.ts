import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { MAX_TEXT_BYTES } from '../../output/limit.ts';
import { startFakeKcp } from '../../testing/fake-kcp.ts';
import type { FakeKcp } from '../../testing/fake-kcp.ts';
import { createBench } from '../../testing/toolset.ts';
import type { ToolBench } from '../../testing/toolset.ts';
import { timed } from './events.ts';

let fake: FakeKcp;
let bench: ToolBench;
beforeAll(async () => {
  fake = await startFakeKcp();
  bench = createBench(fake);
});
afterEach(() => {
  fake.reset();
});
afterAll(async () => {
  await bench.kcp.close();
  await fake.stop();
});

const workspace = 'root:acme:team-a';
const AT = (minutes: number) => new Date(Date.parse('2026-11-22T20:00:00Z') - minutes * 60_000).toISOString();

/** An event last seen so many minutes ago. */
const event = (name: string, minutes: number, fields: object = {}) => ({
  metadata: { name, namespace: 'shop', uid: `uid-${name}`, managedFields: [{}] },
  type: 'Warning',
  reason: 'BackOff',
  message: `about ${name}`,
  involvedObject: { apiVersion: 'v1', kind: 'Pod', name },
  lastTimestamp: AT(minutes),
  count: 3,
  ...fields,
});

/** Serves events in pages, in the order given. */
function serve(events: readonly object[]): void {
  fake.handlers.push(({ path, query }) => {
    if (!path.endsWith('/events')) return undefined;
    const start = Number(query.get('continue') ?? 0);
    const end = Math.min(events.length, start + Number(query.get('limit')));
    const metadata = end < events.length ? { continue: String(end) } : {};
    return { body: { kind: 'EventList', metadata, items: events.slice(start, end) } };
  });
}

/** What follows "continue:" in an answer. */
const nextOf = (text: string) => /continue: "([^"]+)"\]$/m.exec(text)?.[1];

test.each([
  ['the last of a series', { series: { lastObservedTime: AT(1) }, eventTime: AT(9), lastTimestamp: null }, 1],
  ['lastTimestamp', { firstTimestamp: AT(9), lastTimestamp: AT(2) }, 2],
  ['eventTime', { eventTime: AT(3), lastTimestamp: null }, 3],
  ['firstTimestamp', { firstTimestamp: AT(4) }, 4],
  ['when it was made', { metadata: { creationTimestamp: AT(5) } }, 5],
])('last seen: %s', (_, fields, minutes) => {
  expect(new Date(timed(fields).lastSeen).toISOString()).toBe(AT(minutes));
});

test('without any time it comes last', () => {
  expect(timed({ lastTimestamp: 'nonsense' }).lastSeen).toBe(0);
});

describe('events_list', () => {
  test('newest first, whatever order the API has them in', async () => {
    serve([event('a', 30), event('b', 1), event('c', 600)]);
    expect(await bench.text('events_list', { workspace, namespace: 'shop' })).toBe(
      [
        'LAST SEEN   COUNT   TYPE      REASON    OBJECT   MESSAGE',
        '60s         3       Warning   BackOff   pod/b    about b',
        '30m         3       Warning   BackOff   pod/a    about a',
        '10h         3       Warning   BackOff   pod/c    about c',
      ].join('\n'),
    );
    expect(fake.seen.map(({ url }) => url)).toEqual([`/clusters/${workspace}/api/v1/namespaces/shop/events?limit=500`]);
  });

  test('across namespaces the table says which; the selector goes to the API server', async () => {
    serve([event('a', 1, { series: { count: 7, lastObservedTime: AT(1) }, type: undefined })]);
    const text = await bench.text('events_list', { workspace, fieldSelector: 'type=Warning' });
    expect(text).toMatch(/^NAMESPACE +LAST SEEN .*\nshop +60s +7 +- +BackOff +pod\/a +about a$/);
    expect(fake.seen[0]?.url).toContain('/api/v1/events?fieldSelector=type%3DWarning&limit=500');
  });

  test('in YAML whole objects', async () => {
    serve([event('a', 30), event('b', 1)]);
    const text = await bench.text('events_list', { workspace, output: 'yaml' });
    expect(parse(text)).toMatchObject([
      { apiVersion: 'v1', kind: 'Event', metadata: { name: 'b' }, involvedObject: { kind: 'Pod' } },
      { metadata: { name: 'a' } },
    ]);
    expect(text).not.toContain('managedFields');
  });

  test.each(['table', 'yaml'])(
    'over many pages of the API: each once, newest first, to the end: %s',
    async (output) => {
      const order = Array.from({ length: 1200 }, (_, index) => (index * 7919) % 1200);
      // Three of each moment.
      serve(order.map((rank) => event(`e-${rank}`, Math.floor(rank / 3))));
      const found: number[] = [];
      let next: string | undefined;
      let remaining = 1200;
      do {
        const args = { workspace, limit: 500, output, ...(next !== undefined && { continue: next }) };
        const text = await bench.text('events_list', args);
        expect(Buffer.byteLength(text)).toBeLessThanOrEqual(MAX_TEXT_BYTES);
        const ranks = [...text.matchAll(/about e-(\d+)/g)].map(([, rank]) => Number(rank));
        found.push(...ranks);
        remaining -= ranks.length;
        next = nextOf(text);
        if (next !== undefined) expect(text).toContain(`[cut after ${ranks.length}: ${remaining} more follow;`);
      } while (next !== undefined);
      expect(found.map((rank) => Math.floor(rank / 3))).toEqual(
        Array.from({ length: 1200 }, (_, index) => Math.floor(index / 3)),
      );
      expect(new Set(found).size).toBe(1200);
    },
  );

  test('more events than are looked at: says so', async () => {
    fake.handlers.push(({ path, query }) =>
      path.endsWith('/events')
        ? { body: { metadata: { continue: 'more' }, items: [event(query.get('continue') ?? 'first', 1)] } }
        : undefined,
    );
    const text = await bench.text('events_list', { workspace, limit: 1 });
    expect(text).toContain('[only the first 10000 events by name were looked at: there may be newer ones');
    expect(fake.seen).toHaveLength(20);
  });

  test('long messages are shown whole, on one line each', async () => {
    serve([event('a', 1, { message: `${'word '.repeat(200)}\n\u202eend` })]);
    expect((await bench.text('events_list', { workspace })).split('\n')[1]).toMatch(/word word end$/);
  });

  test('none', async () => {
    serve([]);
    expect(await bench.text('events_list', { workspace, namespace: 'shop' })).toBe(
      `There are no events in namespace shop of workspace ${workspace}.`,
    );
    expect(await bench.text('events_list', { workspace, fieldSelector: 'type=Warning' })).toBe(
      `There are no events that the selector matches in workspace ${workspace}.`,
    );
    expect(await bench.failure('events_list', { workspace, continue: 'abc' })).toContain('not a token');
  });
});
