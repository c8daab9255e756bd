/** The whole life of a KcpMcpServer, while its operator may die and be started again at any moment. */
import { HopelessError, waitFor } from '../../../../e2e/lib/wait.ts';
import type { KcpMcpServer } from '../../api/kcp-mcp-server.ts';
import { NAME, type Case } from '../../reconcile/testing/case.ts';
import type { Environment, RunningOperator } from '../../reconcile/testing/environment.ts';
import { newFrontProxyCase, type FrontProxyCase } from '../../reconcile/testing/front-proxy.ts';
import { playControllers } from './controllers.ts';
import { course } from './course.ts';
import { mortalClient, type Cut, type MortalClient } from './mortal-client.ts';

const SOON = { deadlineMs: 30_000, intervalMs: 50 };

export interface Life {
  it: Case;
  /** What the first operator wrote. */
  writes: string[];
  /** Whether it died; then how many seconds later all was as wanted, the start of its successor included. */
  recoveredIn?: number;
}

export async function live(env: Environment, cut?: Cut): Promise<Life> {
  const it = await newFrontProxyCase(env);
  const keeper = await keepAlive(env, it, cut);
  try {
    const milestones: number[] = [];
    const reached = (): void => void milestones.push(performance.now());
    await Promise.race([story(it, reached), keeper.failed]);
    const diedAt = keeper.diedAt() ?? Infinity;
    const recovered = milestones.find((at) => at > diedAt);
    return {
      it,
      writes: keeper.first.writes,
      ...(recovered !== undefined && { recoveredIn: (recovered - diedAt) / 1000 }),
    };
  } finally {
    await keeper.stop();
  }
}

async function story(it: FrontProxyCase, reached: () => void): Promise<void> {
  await it.createFrontProxy();
  await it.consent(it.namespace);
  await it.createServer(course.spec);
  await settled(it);
  reached();
  const kubeconfig = await it.kubeconfig({ server: course.elsewhere });
  await it.apply('Secret', it.minted, { stringData: { kubeconfig } }, it.source);
  await settled(it, ({ status }) => status?.kubeconfig?.server === course.elsewhere);
  reached();
  for (const spec of course.changes) {
    await it.patch('KcpMcpServer', NAME, { spec });
    await settled(it);
    reached();
  }
  await it.remove('KcpMcpServer', NAME);
  await it.gone('KcpMcpServer', NAME, it.namespace);
  reached();
}

/** Plays the controllers until it is ready as its spec is now. */
export async function settled(it: FrontProxyCase, also: (server: KcpMcpServer) => boolean = () => true): Promise<void> {
  await waitFor(
    'it to be ready as it is now',
    async () => {
      await playControllers(it);
      const server = await it.server();
      const ready = server.status?.conditions?.find(({ type }) => type === 'Ready');
      const current = ready?.observedGeneration === server.metadata.generation && also(server);
      if (!current || ready?.status !== 'True') throw new Error(JSON.stringify(ready));
      return true;
    },
    SOON,
  );
}

interface Keeper {
  first: MortalClient;
  /** Of `performance.now()`. */
  diedAt: () => number | undefined;
  /** Rejects when there was no starting another. */
  failed: Promise<never>;
  stop: () => Promise<void>;
}

/** An operator for one namespace that is started again when it dies: as Kubernetes does it. */
async function keepAlive(env: Environment, it: Case, cut: Cut | undefined): Promise<Keeper> {
  let mortal: MortalClient | undefined;
  let diedAt: number | undefined;
  const start = (cut?: Cut): Promise<RunningOperator> =>
    env.startOperator({
      namespaces: [it.namespace],
      leaderElect: false,
      timings: {},
      wrap: (client) => {
        const wrapped = mortalClient(client, cut);
        mortal ??= wrapped;
        return wrapped.client;
      },
    });
  let current = start(cut);
  await current;
  if (!mortal) throw new HopelessError('no client');
  let restarted: Promise<void> | undefined;
  const failed = mortal.died.then(async (): Promise<never> => {
    diedAt = performance.now();
    const old = await current;
    restarted = old.stop().then(async () => {
      current = start();
      await current;
    });
    await restarted;
    return new Promise(() => undefined);
  });
  failed.catch(() => undefined);
  const stop = async (): Promise<void> => {
    // It may have died at the very end of its life.
    await restarted?.catch(() => undefined);
    await (await current).stop();
  };
  return { first: mortal, diedAt: () => diedAt, failed, stop };
}
