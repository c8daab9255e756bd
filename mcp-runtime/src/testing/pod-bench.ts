import { answerCommands } from './fake-exec.ts';
import type { FakeCommand, FakeExec } from './fake-exec.ts';
import { startFakeKcp, status } from './fake-kcp.ts';
import type { FakeAnswer, FakeKcp, Handler } from './fake-kcp.ts';
import { createBench } from './toolset.ts';
import type { ToolBench } from './toolset.ts';

export type FakeRequest = Parameters<Handler>[0];

/** Where the Pod of these tests is. */
export const web = { name: 'web', namespace: 'shop' };
export const PODS = '/api/v1/namespaces/shop/pods';

const running = { running: { startedAt: '2026-11-22T19:00:00Z' } };

/** The Pod `shop/web`: containers app and proxy, init container setup. */
export function pod(fields: { labels?: object; phase?: string; state?: object; restartCount?: number } = {}) {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'web', namespace: 'shop', uid: 'u-1', labels: fields.labels ?? {}, managedFields: [{}] },
    spec: { initContainers: [{ name: 'setup' }], containers: [{ name: 'app' }, { name: 'proxy' }] },
    status: {
      phase: fields.phase ?? 'Running',
      containerStatuses: [{ name: 'app', state: fields.state ?? running, restartCount: fields.restartCount ?? 0 }],
    },
  };
}

/** A plain cluster that answers as it is told, and tools on it. */
export interface PodBench extends ToolBench {
  readonly fake: FakeKcp;
  /** Further tools on the same cluster. */
  with(settings: Parameters<typeof createBench>[1]): ToolBench;
  /** Answers requests by method and path, the rest with 404. What is returned fills with the requests. */
  serve(answers: Readonly<Record<string, FakeAnswer | ((request: FakeRequest) => FakeAnswer)>>): FakeRequest[];
  /** Says what commands do. */
  onCommand(run: (url: URL) => FakeCommand | FakeAnswer): void;
  /** Path and query of the commands that were asked for. */
  readonly commands: string[];
  /** Forgets what was seen and told. */
  reset(): void;
  stop(): Promise<void>;
}

export async function startPodBench(): Promise<PodBench> {
  const fake = await startFakeKcp();
  let run: (url: URL) => FakeCommand | FakeAnswer = () => status(404, 'no command expected');
  const exec: FakeExec = answerCommands(fake.server, (url) => run(url));
  const benches: ToolBench[] = [];
  const plain: PodBench['with'] = (settings) => {
    const kubeconfig = fake.kubeconfig.replace('/clusters/root', '');
    const bench = createBench({ kubeconfig }, { cluster_provider_strategy: 'kubeconfig', ...settings });
    benches.push(bench);
    return bench;
  };
  const bench = plain({});
  return {
    ...bench,
    fake,
    with: plain,
    serve(answers) {
      const received: FakeRequest[] = [];
      fake.handlers.push((request) => {
        received.push(request);
        const answer = answers[`${request.method} ${request.path}`];
        return typeof answer === 'function' ? answer(request) : (answer ?? status(404, 'not found'));
      });
      return received;
    },
    onCommand(next) {
      run = next;
    },
    commands: exec.asked,
    reset() {
      fake.reset();
      exec.asked.length = 0;
      bench.audited.length = 0;
    },
    async stop() {
      await Promise.all(benches.map(({ kcp }) => kcp.close()));
      exec.stop();
      await fake.stop();
    },
  };
}
