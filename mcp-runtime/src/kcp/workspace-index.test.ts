import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { waitFor } from '../../../e2e/lib/wait.ts';
import { startFakeShards } from '../testing/fake-shards.ts';
import type { FakeShards, Placed } from '../testing/fake-shards.ts';
import { captureLog } from '../testing/log.ts';
import { createWorkspaceIndex } from './workspace-index.ts';
import type { IndexStand, WorkspaceIndex, WorkspaceIndexOptions } from './workspace-index.ts';

const SOON = { deadlineMs: 10_000, intervalMs: 2 };
/** Quick, but for what a test is not about. */
const TIMINGS = { backoffMs: 1, longestBackoffMs: 20, silenceMs: 60_000, watchMs: 300_000 };

let shards: FakeShards;
let dir: string;
let file: string;
let logged: ReturnType<typeof captureLog>;
let stand: IndexStand | undefined;
let index: WorkspaceIndex | undefined;

beforeEach(async () => {
  shards = await startFakeShards();
  dir = await mkdtemp(join(tmpdir(), 'index-'));
  file = join(dir, 'kubeconfig');
  logged = captureLog();
  await writeFile(file, shards.kubeconfig());
});
afterEach(async () => {
  await index?.close();
  index = undefined;
  await shards.stop();
  await rm(dir, { recursive: true });
});

async function start(options: Partial<WorkspaceIndexOptions> = {}): Promise<WorkspaceIndex> {
  index = await createWorkspaceIndex({
    kubeconfigFile: file,
    log: logged.log,
    timings: TIMINGS,
    observe: (now) => {
      stand = now;
    },
    ...options,
  });
  return index;
}

const placed = (parent: string, name: string, more: Partial<Placed> = {}): Placed => ({ parent, name, ...more });
const paths = () => index?.workspaces().map(({ path }) => path) ?? [];
const usable = () => waitFor('the index to be usable', () => index?.problem() === undefined, SOON);
const problem = (text: string) => waitFor(`the problem: ${text}`, () => index?.problem()?.includes(text), SOON);
const shows = (...expected: string[]) =>
  waitFor(`the index to hold ${expected.join(', ')}`, () => paths().join() === expected.join(), SOON);
const watched = (what: string) => waitFor(`a watch of ${what}`, () => shards.open(what) > 0, SOON);
const requests = (what: string) => shards.seen.filter((each) => each.what === what).map(({ verb }) => verb);
const changes = () => logged.lines.filter(({ message }) => /^workspace index/.test(String(message)));

/** Two shards: `root` and `acme` lie on one, what is in `acme` on the other. */
async function startTwo(options: Partial<WorkspaceIndexOptions> = {}): Promise<WorkspaceIndex> {
  shards.setShards(['one', 'two']);
  shards.put('one', placed('root', 'acme'), placed('root', 'globex'));
  shards.put('two', placed('root-acme', 'team-a'));
  const started = await start(options);
  await usable();
  await Promise.all(['slice', 'one', 'two'].map(watched));
  return started;
}

describe('an index', () => {
  test('is one LIST and one WATCH for each shard, and of where the shards are, with its own identity', async () => {
    await startTwo();
    expect(paths()).toEqual(['root', 'root:acme', 'root:acme:team-a', 'root:globex']);
    for (const what of ['slice', 'one', 'two']) expect(requests(what)).toEqual(['list', 'watch']);
    expect(new Set(shards.seen.map(({ authorization }) => authorization))).toEqual(new Set(['Bearer index-token']));
    expect(shards.seen.map(({ url }) => url.replace(/\?.*/, '')).sort()).toEqual(
      [
        '/clusters/root/apis/apis.kcp.io/v1alpha1/apiexportendpointslices',
        '/services/apiexport/one/tenancy.kcp.io/clusters/*/apis/tenancy.kcp.io/v1alpha1/workspaces',
        '/services/apiexport/two/tenancy.kcp.io/clusters/*/apis/tenancy.kcp.io/v1alpha1/workspaces',
      ].flatMap((url) => [url, url]),
    );
    const slices = shards.seen.filter(({ what }) => what === 'slice');
    expect(slices.map(({ query }) => query.get('fieldSelector'))).toEqual(
      Array(2).fill('metadata.name=tenancy.kcp.io'),
    );
    expect(stand).toEqual({ usable: true, workspaces: 3, shards: { synced: 2, waiting: 0 } });
  });

  test('follows what happens on every shard, without asking again', async () => {
    await startTwo();
    shards.put('two', placed('root-acme', 'team-b'));
    shards.put('one', placed('root', 'globex', { phase: 'Deleting' }));
    await shows('root', 'root:acme', 'root:acme:team-a', 'root:acme:team-b', 'root:globex');
    await waitFor('the phase', () => index?.workspaces().at(-1)?.phase === 'Deleting', SOON);
    shards.remove('one', placed('root', 'globex'));
    await shows('root', 'root:acme', 'root:acme:team-a', 'root:acme:team-b');
    expect(shards.seen.filter(({ verb }) => verb === 'list')).toHaveLength(3);
  });

  test('reads long lists page by page, and very large objects a few at a time', async () => {
    shards.limits = { page: Infinity, fits: 40 };
    shards.setShards(['one']);
    const many = Array.from({ length: 90 }, (_, n) => placed('root', `w${String(n).padStart(2, '0')}`));
    shards.put('one', ...many);
    await start();
    await usable();
    expect(paths()).toHaveLength(91);
    expect(
      shards.seen.filter(({ what, verb }) => what === 'one' && verb === 'list').map(({ query }) => query.get('limit')),
    ).toEqual(['500', '125', '32', '32', '32']);
  });

  test('notices shards that come and go', async () => {
    await startTwo();
    shards.put('three', placed('root-globex', 'x'));
    shards.setShards(['one', 'three']);
    await shows('root', 'root:acme', 'root:globex', 'root:globex:x');
    await waitFor('the watch of the other to end', () => shards.open('two') === 0, SOON);
    shards.setShards([]);
    await problem('no shard is listed');
    shards.setShards(undefined);
    await problem('there is no list of shards');
    shards.setShards(['one', 'two', 'three']);
    await shows('root', 'root:acme', 'root:acme:team-a', 'root:globex', 'root:globex:x');
    await usable();
  });

  test('does not go where its identity has no business', async () => {
    await startTwo();
    shards.setShards(
      ['one'],
      ['https://127.0.0.1:1/api/v1/secrets', `${shards.url}/services/apiexport/one/tenancy.kcp.io`],
    );
    // Without one shard it isn't whole.
    await problem('the list of shards has an address that is none');
    expect(logged.text()).toContain('https://127.0.0.1:1/api/v1/secrets');
  });
});

describe('a watch that ends', () => {
  test('is taken up where it ended: after the last event or bookmark', async () => {
    await startTwo();
    shards.put('one', placed('root', 'new'));
    await shows('root', 'root:acme', 'root:acme:team-a', 'root:globex', 'root:new');
    shards.endWatches('one');
    shards.remove('one', placed('root', 'new'));
    await shows('root', 'root:acme', 'root:acme:team-a', 'root:globex');
    const resumed = shards.seen.filter(({ what, verb }) => what === 'one' && verb === 'watch').at(-1);
    expect(Number(resumed?.query.get('resourceVersion'))).toBe(103);
    expect(resumed?.query.get('allowWatchBookmarks')).toBe('true');
    expect(requests('one').filter((verb) => verb === 'list')).toHaveLength(1);
    expect(index?.problem()).toBeUndefined();
  });

  test('by a bookmark, also where nothing happened here', async () => {
    await startTwo();
    shards.compact('one');
    shards.bookmark('one');
    shards.put('two', placed('root-acme', 'seen'));
    // On another connection: the bookmark may still be on its way.
    await waitFor(
      'the bookmark to count',
      async () => {
        shards.endWatches('one');
        await watched('one');
        return shards.seen.findLast(({ what }) => what === 'one')?.query.get('resourceVersion') === '103';
      },
      SOON,
    );
  });

  const ends: Record<string, () => void> = {
    'answered with 410': () => {
      shards.compact('one');
      shards.endWatches('one');
    },
    'told 410 by an event': () => {
      shards.failWatches('one', 410);
    },
    'sent what is no event': () => {
      shards.send('one', '{"type":\n');
    },
    'told of a version that it never had (504)': () => {
      shards.trouble = { one: { watch: 504 } };
      shards.endWatches('one');
    },
  };
  test.each(Object.entries(ends))('lists anew when it is %s', async (_, end) => {
    await startTwo();
    shards.put('one', placed('root', 'late'));
    await shows('root', 'root:acme', 'root:acme:team-a', 'root:globex', 'root:late');
    const lists = () => requests('one').filter((verb) => verb === 'list').length;
    expect(lists()).toBe(1);
    end();
    await waitFor('another list', () => lists() > 1, SOON);
    shards.trouble = {};
    await watched('one');
    await usable();
    expect(paths()).toContain('root:late');
  });

  test('that falls silent is begun again', async () => {
    await startTwo({ timings: { ...TIMINGS, silenceMs: 50 } });
    await waitFor('more watches', () => requests('one').filter((verb) => verb === 'watch').length > 2, SOON);
    expect(requests('one').filter((verb) => verb === 'list')).toHaveLength(1);
  });
});

describe('what keeps it from being used', () => {
  test('a refusal at once; it is used again when that is mended; both are logged once', async () => {
    await startTwo();
    shards.trouble = { two: { watch: 403 } };
    shards.endWatches('two');
    await problem('its identity may not read one of 2 shards');
    await waitFor('more tries', () => requests('two').length > 6, SOON);
    expect(index?.problem()).not.toContain('mcp-index');
    shards.trouble = {};
    await usable();
    expect(changes()).toMatchObject([
      { level: 'info', reason: 'it is being loaded' },
      { level: 'info', workspaces: 3, shards: 2 },
      {
        level: 'warn',
        reason: 'its identity may not read one of 2 shards',
        errors: [expect.stringMatching(/^127\.0\.0\.1:\d+: 403: .*User "mcp-index"/)],
      },
      { level: 'info', workspaces: 3 },
    ]);
  });

  test('the same for where the shards are', async () => {
    shards.setShards(['one']);
    shards.trouble = { slice: { list: 403 } };
    await start();
    await problem('its identity may not read the list of shards');
    expect(stand).toMatchObject({ usable: false });
    shards.trouble = {};
    await usable();
  });

  test('lost contact only when it lasts', async () => {
    await startTwo({ staleMs: 150 });
    shards.trouble = { one: { watch: 503, list: 503 } };
    shards.endWatches('one');
    await waitFor('a failed try', () => requests('one').length > 3, SOON);
    await waitFor('the state', () => stand?.shards.waiting === 1, SOON);
    expect(paths()).toContain('root:acme');
    await problem("one of 2 shards can't be reached");
    shards.trouble = {};
    await usable();
  });

  test('a shard that never came', async () => {
    shards.setShards(['one', 'two']);
    shards.trouble = { two: { list: 500 } };
    await start();
    await problem("one of 2 shards can't be reached");
    shards.trouble = {};
    await usable();
  });

  test('no more than a certificate that nobody vouches for', async () => {
    shards.setShards(['one']);
    await writeFile(
      file,
      shards.kubeconfig().replace(/"certificate-authority-data":"[^"]*"/, '"disable-compression":true'),
    );
    await start();
    await problem("can't be reached");
    await waitFor('the log', () => /SELF_SIGNED|UNABLE_TO/.test(logged.text()), SOON);
    expect(shards.seen).toEqual([]);
  });
});

describe('its files', () => {
  test('are read again on reload: a new identity is used, what is known stays in use meanwhile or comes again', async () => {
    const started = await startTwo();
    expect(await started.reload()).toBe(false);
    shards.token = 'new-token';
    await writeFile(file, shards.kubeconfig('new-token'));
    const before = shards.seen.length;
    expect(await started.reload()).toBe(true);
    await usable();
    expect(paths()).toEqual(['root', 'root:acme', 'root:acme:team-a', 'root:globex']);
    expect(new Set(shards.seen.slice(before).map(({ authorization }) => authorization))).toEqual(
      new Set(['Bearer new-token']),
    );
    await waitFor('the old watches to end', () => shards.open('one') === 1 && shards.open('slice') === 1, SOON);
  });

  test('that can not be used leave the old ones in force', async () => {
    const started = await startTwo();
    await writeFile(file, shards.kubeconfig().replace('"token":"index-token"', '"exec":{}'));
    await expect(started.reload()).rejects.toThrow(/^index_kubeconfig .*: user "index": exec is not accepted/);
    expect(started.problem()).toBeUndefined();
  });

  test('that are missing at the start are a problem until they come', async () => {
    shards.setShards(['one']);
    await rm(file);
    const started = await start({ caFile: join(dir, 'ca.crt') });
    expect(started.problem()).toBe('its kubeconfig or CA cannot be used');
    expect(started.workspaces()).toHaveLength(1);
    expect(logged.text()).toContain(`index_kubeconfig ${file} can't be read (ENOENT)`);
    await writeFile(file, shards.kubeconfig());
    await expect(started.reload()).rejects.toThrow(/^index_certificate_authority .*ca\.crt can't be read/);
    await writeFile(join(dir, 'ca.crt'), 'nothing');
    await expect(started.reload()).rejects.toThrow(/ca\.crt holds no PEM certificate$/);
    await writeFile(join(dir, 'ca.crt'), shards.ca);
    expect(await started.reload()).toBe(true);
    await usable();
  });

  test('no line of the log holds what they hold', async () => {
    const started = await startTwo();
    shards.token = 'another';
    shards.endWatches('one');
    await problem('may not read');
    await writeFile(file, 'token: index-token');
    await expect(started.reload()).rejects.toThrow();
    expect(logged.text()).not.toContain('index-token');
  });
});

test('closing leaves nothing behind', async () => {
  const started = await startTwo();
  await started.close();
  await waitFor('all watches to end', () => ['slice', 'one', 'two'].every((what) => shards.open(what) === 0), SOON);
  const before = shards.seen.length;
  shards.put('one', placed('root', 'x'));
  expect(shards.seen).toHaveLength(before);
});
