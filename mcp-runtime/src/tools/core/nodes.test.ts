import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { MAX_TEXT_BYTES } from '../../output/limit.ts';
import { startFakeKcp, status } from '../../testing/fake-kcp.ts';
import type { FakeAnswer, FakeKcp, Handler } from '../../testing/fake-kcp.ts';
import { createBench } from '../../testing/toolset.ts';
import type { ToolBench } from '../../testing/toolset.ts';
import { folderEntries, logFilePath } from './node-logs.ts';

let fake: FakeKcp;
let bench: ToolBench;
beforeAll(async () => {
  fake = await startFakeKcp();
  const kubeconfig = fake.kubeconfig.replace('/clusters/root', '');
  bench = createBench({ kubeconfig }, { cluster_provider_strategy: 'kubeconfig' });
});
afterEach(() => {
  fake.reset();
  bench.audited.length = 0;
});
afterAll(async () => {
  await bench.kcp.close();
  await fake.stop();
});

const PROXY = '/api/v1/nodes/n1/proxy';
/** Answers the kubelet; `received` are the requests. */
function serve(answer: (request: Parameters<Handler>[0]) => FakeAnswer): Parameters<Handler>[0][] {
  const received: Parameters<Handler>[0][] = [];
  fake.handlers.push((request) => {
    received.push(request);
    return answer(request);
  });
  return received;
}

// As Go's file server writes a folder.
const PAGE =
  '<!doctype html>\n<meta name="viewport" content="width=device-width">\n<pre>\n' +
  '<a href="pods/">pods/</a>\n<a href="a%26b.log">a&amp;b.log</a>\n<a href="kubelet.log">kubelet.log</a>\n</pre>\n';

describe('logFilePath', () => {
  test.each([
    ['/kubelet.log', 'kubelet.log'],
    ['/var/log/kubelet.log', 'kubelet.log'],
    ['var/log/pods/', 'pods/'],
    ['/var/log', ''],
    ['/', ''],
    ['\\containerd\\x.log', 'containerd/x.log'],
    ['/var/logs/x', 'var/logs/x'],
  ])('%s is %j', (query, path) => {
    expect(logFilePath(query)).toBe(path);
  });

  test.each(['/../etc/shadow', '/a/../../b', '/./a', '/a//b', '/%2e%2e/b', '/a\nb', '/var/log/../x'])(
    '%j leads out of it, or is no path',
    (query) => {
      expect(() => logFilePath(query)).toThrow('query');
    },
  );
});

test('folderEntries are the names in a page; a log is none', () => {
  expect(folderEntries(PAGE)).toEqual(['pods/', 'a&b.log', 'kubelet.log']);
  expect(folderEntries('Nov 22 <pre>\n<a href="x">x</a>\n')).toEqual([]);
});

describe('nodes_log', () => {
  const log = (args: object) => bench.text('nodes_log', { name: 'n1', ...args });

  test('of a service: kubelet is asked for its last lines', async () => {
    serve(() => ({ body: 'one\ntwo\n' }));
    expect(await log({ query: 'kubelet' })).toBe('[service kubelet of node n1: the last 100 lines at most]\none\ntwo');
    expect(fake.seen.map(({ url }) => url)).toEqual([`${PROXY}/logs/?query=kubelet&tailLines=100`]);
    expect(Object.assign({}, ...bench.audited)).toEqual({ object: 'Node (v1) n1', result: 'ok' });
    await log({ query: 'kubelet', tailLines: 0 });
    expect(fake.seen.at(-1)?.url).toBe(`${PROXY}/logs/?query=kubelet`);
  });

  test('of a service that logs to a file, where kubelet counts no lines', async () => {
    serve(({ query }) => ({
      body: query.has('tailLines')
        ? '\noptions present and query resolved to log files for [kube-proxy]\ntry without specifying options\n'
        : 'one\ntwo\nthree\n',
    }));
    expect(await log({ query: 'kube-proxy', tailLines: 2 })).toBe(
      '[service kube-proxy of node n1: the last 2 lines at most]\ntwo\nthree',
    );
  });

  test('of a file: its end only is read, and its last lines are shown', async () => {
    const received = serve(() => ({ status: 206, body: 'one\ntwo\nthree\n' }));
    expect(await log({ query: '/var/log/kube proxy.log', tailLines: 2 })).toBe(
      '[/var/log/kube proxy.log of node n1: the last 2 lines at most]\ntwo\nthree',
    );
    expect(fake.seen.map(({ url }) => url)).toEqual([`${PROXY}/logs/kube%20proxy.log`]);
    expect(received[0]?.headers.range).toMatch(/^bytes=-\d{5}$/);
    expect(received[0]?.headers.accept).toBe('*/*');
  });

  test('as much as an answer holds, from a whole line on', async () => {
    const received = serve(({ headers }) => {
      const bytes = Number(/-(\d+)$/.exec(headers.range ?? '')?.[1]);
      return { status: 206, body: `${'x'.repeat(99)}\n`.repeat(1000).slice(-bytes) };
    });
    const text = await log({ query: '/big.log', tailLines: 0 });
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(MAX_TEXT_BYTES);
    expect(text).toMatch(/^\[\/var\/log\/big\.log of node n1\]\n\[cut: only the last \d\d KiB are shown\]\nx{99}\n/);
    expect(received).toHaveLength(1);
  });

  test('of a folder: what is in it', async () => {
    const received = serve(() => ({ body: PAGE, headers: { 'content-type': 'text/html' } }));
    expect(await log({ query: '/' })).toBe('Files in /var/log/ of node n1:\n- pods/\n- a&b.log\n- kubelet.log');
    expect(received[0]?.path).toBe(`${PROXY}/logs/`);
    expect(received[0]?.headers).not.toHaveProperty('range');
  });

  test('a folder that is taken for a file', async () => {
    serve(() => ({ status: 301, body: '', headers: { location: 'pods/' } }));
    expect(await bench.failure('nodes_log', { name: 'n1', query: '/pods' })).toContain(
      'is a folder: end query with "/"',
    );
  });

  test('a kubelet that shows files only: which', async () => {
    serve(() => ({ body: PAGE }));
    expect(await bench.failure('nodes_log', { name: 'n1', query: 'kubelet' })).toMatch(
      /shows log files only.*enableSystemLogQuery.*NodeLogQuery.* It has: \/a&b\.log, \/kubelet\.log\.$/,
    );
  });

  test.each([
    ['kubelt', { body: '\nlog not found for kubelt\n' }, 'Node n1 has no log of a service kubelt'],
    ['/nope.log', { status: 404, body: '404 page not found\n' }, 'Node n1 has no /var/log/nope.log. query "/" shows'],
    ['/x', { status: 405, body: 'logs endpoint is disabled.\n' }, 'enableSystemLogHandler is false'],
    ['kubelet', { status: 406, body: 'query: Invalid value\n' }, "doesn't take this query"],
    ['kubelet', status(404, 'nodes "n1" not found', { name: 'n1', kind: 'nodes' }), 'There is no Node "n1" of this cluster'],
  ])('%s %j', async (query, answer, part) => {
    serve(() => answer);
    expect(await bench.failure('nodes_log', { name: 'n1', query })).toContain(part);
  }); // prettier-ignore

  test('empty', async () => {
    serve(() => ({ body: '' }));
    expect(await log({ query: '/empty.log' })).toBe('/var/log/empty.log of node n1 is empty.');
    expect(await log({ query: 'kubelet' })).toBe('Service kubelet of node n1 has logged nothing.');
  });

  test.each([
    [{ name: 'n1', query: '/../etc/shadow' }, 'is not valid'],
    [{ name: 'n1', query: 'a b' }, 'neither a service'],
    [{ name: 'n1', query: '' }, 'query: '],
    [{ name: 'https:n1:9100', query: '/' }, 'name "https:n1:9100" is not valid'],
    [{ name: 'n1/../n2', query: '/' }, 'is not valid'],
    [{ name: 'n1', query: '/', tailLines: -1 }, 'tailLines: '],
  ])('%j', async (args, part) => {
    expect(await bench.failure('nodes_log', args)).toContain(part);
    expect(fake.seen).toHaveLength(0);
  });
});

describe('nodes_stats_summary', () => {
  const container = (name: string, mebibytes: number) => ({
    name,
    cpu: { usageNanoCores: 1_500_000 },
    memory: { workingSetBytes: mebibytes * 2 ** 20 },
  });
  const pod = (name: string, mebibytes: number, namespace = 'shop') => ({
    podRef: { name, namespace, uid: 'u' },
    cpu: { usageNanoCores: 2_000_000 },
    memory: { workingSetBytes: mebibytes * 2 ** 20 },
    network: { rxBytes: 2048, txBytes: 100, rxErrors: 1, txErrors: 2 },
    'ephemeral-storage': { usedBytes: 4096 },
    process_stats: { process_count: 3 },
    containers: [container('app', mebibytes)],
    volume: [{ name: 'data', usedBytes: 2 ** 20, capacityBytes: 2 ** 21, inodes: 100, inodesUsed: 10 }],
  });
  const summary = (...pods: object[]) => ({
    node: {
      nodeName: 'n1',
      startTime: '2026-11-22T18:00:00Z',
      cpu: { usageNanoCores: 523_400_000, psi: { some: { avg10: 1.5, avg60: 0.5, avg300: 0 } } },
      memory: {
        workingSetBytes: 3 * 2 ** 30,
        availableBytes: 2 ** 30,
        psi: { some: { avg10: 0, avg60: 0, avg300: 0 } },
      },
      fs: { usedBytes: 45 * 2 ** 30, capacityBytes: 100 * 2 ** 30 },
      rlimit: { curproc: 312, maxpid: 32_768 },
      systemContainers: [container('kubelet', 50)],
    },
    pods,
  });

  test('what matters, in readable units, the largest Pods first', async () => {
    serve(() => ({ body: summary(pod('small', 10), pod('large', 200, 'data')) }));
    expect(parse(await bench.text('nodes_stats_summary', { name: 'n1' }))).toEqual({
      node: 'n1',
      upSince: '2026-11-22T18:00:00Z',
      cpu: '524m',
      memory: '3.0 GiB, 1.0 GiB available',
      filesystem: '45.0 GiB of 100.0 GiB (45%)',
      processes: '312 of 32768 (0%)',
      pressure: { cpu: '1.5%, 0.5%, 0% of 10, 60, 300 s' },
      systemContainers: { kubelet: '2m, 50.0 MiB' },
      pods: [
        expect.objectContaining({ pod: 'data/large', memory: '200.0 MiB' }),
        {
          pod: 'shop/small',
          cpu: '2m',
          memory: '10.0 MiB',
          ephemeralStorage: '4.0 KiB',
          network: '2.0 KiB received, 100 B sent, 3 errors',
          processes: 3,
          containers: { app: '2m, 10.0 MiB' },
          volumes: { data: '1.0 MiB of 2.0 MiB (50%), inodes 10 of 100 (10%)' },
        },
      ],
    });
    expect(fake.seen.map(({ url }) => url)).toEqual([`${PROXY}/stats/summary`]);
  });

  test('all of one namespace', async () => {
    serve(() => ({ body: summary(pod('a', 10), pod('b', 20, 'data')) }));
    const args = { name: 'n1', namespace: 'data' };
    expect(parse(await bench.text('nodes_stats_summary', args))).toMatchObject({ pods: [{ pod: 'data/b' }] });
    const full = parse(await bench.text('nodes_stats_summary', { ...args, detail: 'full' })) as object;
    expect(full).toEqual(summary(pod('b', 20, 'data')));
    expect(parse(await bench.text('nodes_stats_summary', { ...args, namespace: 'x' }))).toMatchObject({ pods: [] });
  });

  test('very many Pods are cut between two', async () => {
    serve(() => ({ body: summary(...Array.from({ length: 500 }, (_, index) => pod(`pod-${index}`, index))) }));
    const text = await bench.text('nodes_stats_summary', { name: 'n1' });
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(MAX_TEXT_BYTES);
    const [, shown, left] = /# \[cut after (\d+) Pods: (\d+) more, which use less memory/.exec(text) ?? [];
    expect(Number(shown) + Number(left)).toBe(500);
    const { pods } = parse(text) as { pods: { pod: string }[] };
    expect(pods).toHaveLength(Number(shown));
    expect(pods[0]?.pod).toBe('shop/pod-499');
  });

  test('a kubelet without it, and an odd answer', async () => {
    serve(() => ({ status: 404, body: '404 page not found\n' }));
    expect(await bench.failure('nodes_stats_summary', { name: 'n1' })).toContain("doesn't serve its Summary API");
    fake.reset();
    serve(() => ({ body: { node: 1, pods: [null, { podRef: 'x' }] } }));
    expect(parse(await bench.text('nodes_stats_summary', { name: 'n1' }))).toEqual({
      node: '',
      pods: [{ pod: '/' }, { pod: '/' }],
    });
  });
});
