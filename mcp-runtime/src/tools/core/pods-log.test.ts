import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { MAX_TEXT_BYTES } from '../../output/limit.ts';
import { status } from '../../testing/fake-kcp.ts';
import type { FakeAnswer } from '../../testing/fake-kcp.ts';
import { PODS, pod, startPodBench, web } from '../../testing/pod-bench.ts';
import type { FakeRequest, PodBench } from '../../testing/pod-bench.ts';

let bench: PodBench;
beforeAll(async () => {
  bench = await startPodBench();
});
afterEach(() => {
  bench.reset();
});
afterAll(() => bench.stop());

describe('pods_log', () => {
  const LOG = `GET ${PODS}/web/log`;
  const logs = (answer: FakeAnswer | ((request: FakeRequest) => FakeAnswer), of = pod()) =>
    bench.serve({ [`GET ${PODS}/web`]: { body: of }, [LOG]: answer });
  const query = () => bench.fake.seen.at(-1)?.url.split('?')[1];

  test('the last 100 lines of the container that is meant; the answer names it and the others', async () => {
    logs({ body: 'one\ntwo\n' });
    expect(await bench.text('pods_log', web)).toBe(
      '[container app of Pod shop/web: the last 100 lines at most; other containers: proxy, setup (init)]\none\ntwo',
    );
    expect(query()).toBe('container=app&tailLines=100');
  });

  test('all that can be asked for', async () => {
    logs({ body: 'x\n' });
    const args = { ...web, container: 'setup', tail: 1, previous: true, sinceSeconds: 60, timestamps: true };
    expect(await bench.text('pods_log', args)).toContain(
      '[earlier run of container setup of Pod shop/web: the last 1 line',
    );
    expect(query()).toBe('container=setup&tailLines=1&previous=true&sinceSeconds=60&timestamps=true');
  });

  test('more lines than can be shown are not asked for; 0 is the default', async () => {
    logs({ body: 'x\n' });
    await bench.text('pods_log', { ...web, tail: 10_000_000 });
    expect(query()).toContain(`tailLines=${MAX_TEXT_BYTES}`);
    await bench.text('pods_log', { ...web, tail: 0 });
    expect(query()).toContain('tailLines=100');
  });

  test('a long log: the newest lines, whole, and that others were left out', async () => {
    const lines = Array.from({ length: 5000 }, (_, index) => `line ${index} ${'x'.repeat(40)}`);
    logs({ body: `${lines.join('\n')}\n` });
    const text = await bench.text('pods_log', { ...web, tail: 5000 });
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(MAX_TEXT_BYTES);
    const [, note, first, ...rest] = text.split('\n');
    expect(note).toMatch(/^\[cut: only the last \d+ KiB are shown\]$/);
    expect(first).toMatch(/^line \d+ x{40}$/);
    expect(rest.at(-1)).toBe(lines.at(-1));
  });

  test('colours and what could hide text are taken out', async () => {
    logs({ body: '\u001b[31mred\u001b[0m \u202egnitteg\r\nnext\n' });
    expect((await bench.text('pods_log', web)).split('\n').slice(1)).toEqual(['red gnitteg', 'next']);
  });

  test('nothing logged', async () => {
    logs({ body: '' });
    expect(await bench.text('pods_log', web)).toBe(
      'Nothing was logged by the container app of Pod shop/web; other containers: proxy, setup (init).',
    );
    expect(await bench.text('pods_log', { ...web, sinceSeconds: 5 })).toContain('web in the last 5 s;');
    expect(await bench.text('pods_log', { ...web, container: 'setup' })).toContain(
      'container setup of Pod shop/web (not started);',
    );
  });

  test('an unknown container: those that there are, and no request for a log', async () => {
    logs({ body: 'x' });
    expect(await bench.failure('pods_log', { ...web, container: 'nope' })).toContain(
      'It has: app, proxy, setup (init).',
    );
    expect(bench.fake.seen).toHaveLength(1);
  });

  test.each([
    [
      'previous terminated container "app" in pod "web" not found',
      {},
      'Container app of Pod shop/web has no log of an earlier run: it was never restarted. Leave out previous.',
    ],
    [
      'previous terminated container "app" in pod "web" not found',
      { restartCount: 2 },
      'Container app of Pod shop/web has no log of an earlier run: its log is gone. Leave out previous.',
    ],
    [
      'container "app" in pod "web" is waiting to start: trying and failing to pull image',
      { state: { waiting: { reason: 'ImagePullBackOff' } } },
      'Container app of Pod shop/web has no log yet (waiting: ImagePullBackOff). events_list with fieldSelector involvedObject.name=web may say why.',
    ],
    [
      'pod web does not have a host assigned',
      { state: {} },
      'Container app of Pod shop/web has no log yet (not started). events_list with fieldSelector involvedObject.name=web may say why.',
    ],
  ])('%s', async (message, fields, shown) => {
    logs(status(400, message), pod(fields));
    expect(await bench.failure('pods_log', { ...web, previous: true })).toBe(shown);
  });

  test('who may read logs but not Pods can name the container', async () => {
    bench.serve({ [`GET ${PODS}/web`]: status(403, 'pods "web" is forbidden'), [LOG]: { body: 'x\n' } });
    expect(await bench.text('pods_log', { ...web, container: 'app' })).toContain('\nx');
    expect(await bench.failure('pods_log', web)).toContain('(403)');
  });
});
