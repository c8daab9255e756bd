import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { MAX_TEXT_BYTES } from '../../output/limit.ts';
import { SUCCESS, exited, notStarted } from '../../testing/fake-exec.ts';
import { status, tokenOf } from '../../testing/fake-kcp.ts';
import { PODS, pod, startPodBench, web } from '../../testing/pod-bench.ts';
import type { PodBench } from '../../testing/pod-bench.ts';

let bench: PodBench;
beforeAll(async () => {
  bench = await startPodBench();
});
afterEach(() => {
  bench.reset();
});
afterAll(() => bench.stop());

describe('pods_exec', () => {
  const execute = (args: object = {}) => ({ ...web, command: ['sh', '-c', 'echo a & b'], ...args });
  const serving = (of = pod()) => bench.serve({ [`GET ${PODS}/web`]: { body: of } });

  test('exit code, stdout and stderr; the command goes as it is', async () => {
    serving();
    bench.onCommand(() => ({ stdout: 'out\n', stderr: 'err\n', status: exited(3) }));
    expect(await bench.text('pods_exec', execute())).toBe(
      '[container app of Pod shop/web: exit code 3; other containers: proxy, setup (init)]\nstdout:\nout\nstderr:\nerr',
    );
    expect(bench.commands).toEqual([
      `${PODS}/web/exec?container=app&command=sh&command=-c&command=echo+a+%26+b&stdout=true&stderr=true`,
    ]);
    expect(JSON.stringify(bench.audited)).not.toContain('echo');
  });

  test('nothing written', async () => {
    serving();
    bench.onCommand(() => ({ status: SUCCESS }));
    expect(await bench.text('pods_exec', execute({ container: 'app' }))).toMatch(
      /: exit code 0; .*\nIt wrote nothing\.$/,
    );
  });

  test('of much output the beginning of each stream, and that it was cut', async () => {
    serving();
    bench.onCommand(() => ({ stdout: 'o'.repeat(100_000), stderr: 'e'.repeat(100_000), status: SUCCESS }));
    const text = await bench.text('pods_exec', execute());
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(MAX_TEXT_BYTES);
    expect(text).toContain(`stdout:\n${'o'.repeat(30_720)}\nstderr:\n${'e'.repeat(30_720)}\n[cut: `);
  });

  test('a command without end is left in time, with what it wrote', async () => {
    serving();
    bench.onCommand(() => ({ stdout: 'tick\n' }));
    const hasty = bench.with({ toolset_configs: { kcp: { request_timeout: '3s' } } });
    const text = await hasty.text('pods_exec', execute());
    expect(text).toContain('no end within 1.5 s, so it was left; it may still be running');
    expect(text).toContain('stdout:\ntick');
  });

  test('a program that the image does not have', async () => {
    serving();
    bench.onCommand(() => ({ status: notStarted('exec: "sh": executable file not found in $PATH: unknown') }));
    const text = await bench.failure('pods_exec', execute());
    expect(text).toContain('was not run to its end in container app of Pod shop/web: Internal error occurred:');
    expect(text).toContain('The image doesn\'t have "sh": many images have no shell and no tools.');
  });

  test.each(['Succeeded', 'Failed'])('a Pod that is completed: %s', async (phase) => {
    serving(pod({ phase }));
    expect(await bench.failure('pods_exec', execute())).toBe(
      `Pod shop/web is completed (phase ${phase}): nothing can be run in it any more. pods_log shows what it wrote.`,
    );
    expect(bench.commands).toEqual([]);
  });

  test('a container that does not run', async () => {
    serving(pod({ state: { waiting: { reason: 'CrashLoopBackOff' } } }));
    expect(await bench.failure('pods_exec', execute())).toBe(
      "Container app of Pod shop/web isn't running (waiting: CrashLoopBackOff); other containers: proxy, setup (init).",
    );
    expect(bench.commands).toEqual([]);
  });

  test('a refusal says which right is missing, and no token', async () => {
    const message =
      'pods "web" is forbidden: User "alice@example.com" cannot create resource "pods/exec" in API group ""';
    bench.serve({ [`GET ${PODS}/web`]: { body: pod() }, 'GET /version': { body: { major: '1' } } });
    bench.onCommand(() => status(403, message));
    const text = await bench.failure('pods_exec', execute());
    expect(text).toContain('alice@example.com may not create pods/exec "web" in namespace shop of this cluster (403)');
    expect(text).not.toContain(tokenOf('alice'));
  });
});
