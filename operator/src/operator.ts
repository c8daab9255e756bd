/**
 * The operator as a whole: caches that are always kept up to date, and, while this process is the leader, a queue of
 * KcpMcpServers that are reconciled. Only the leader writes.
 */
import {
  createApplier,
  createEventRecorder,
  createLeaderElection,
  createWorkQueue,
  keyOf,
  sleep,
  systemClock,
  type Clock,
  type InformerTimings,
  type KubeClient,
  type LeaderElectionOptions,
  type Logger,
  type WorkQueue,
} from './kube/index.ts';
import type { Heap } from './heap.ts';
import { createMetrics, instrument, type Metrics } from './metrics.ts';
import type { CheckIssuer } from './outbound/issuer.ts';
import type { ProbeKcp } from './outbound/kcp.ts';
import { createCaches } from './reconcile/caches.ts';
import { longestDelayMs } from './reconcile/errors.ts';
import { granteeOf } from './reconcile/grant.ts';
import { createReconciler } from './reconcile/index.ts';
import { createAnnouncer } from './reconcile/transitions.ts';
import { GROUP } from './api/kcp-mcp-server.ts';
import { FIELD_MANAGER, HASH_ANNOTATION } from './resources/names.ts';
import { whoAmI } from './who-am-i.ts';

/** A kind that isn't installed is asked for so seldom: its CRD is watched, and tells when it comes. */
const ABSENT_MS = 600_000;

export interface OperatorOptions {
  client: KubeClient;
  /** Unique to this process. */
  identity: string;
  /** Namespaces whose KcpMcpServers are served; empty: all. */
  namespaces: readonly string[];
  runtimeImage: string;
  leaderElect: boolean;
  leaseNamespace: string;
  concurrency: number;
  logger: Logger;
  checkIssuer: CheckIssuer;
  probeKcp: ProbeKcp;
  /** Timings of the informers; tests shorten them. */
  timings?: Partial<InformerTimings>;
  /** Durations of the Lease; tests shorten them. */
  lease?: Pick<LeaderElectionOptions, 'leaseDurationMs' | 'renewDeadlineMs' | 'retryPeriodMs'>;
  /** Told how many wait, to have memory for them. */
  heap?: Heap;
  /** The machine's unless told. */
  clock?: Clock;
}

export interface Operator {
  metrics: Metrics;
  start(): void;
  /** What keeps this process from taking over at any moment, one text each. */
  notReady(): string[];
  isLeader(): boolean;
  /** Ends the work under way, releases the Lease and closes all watches. The client stays open. */
  stop(): Promise<void>;
}

export function createOperator(options: OperatorOptions): Operator {
  const { identity, logger, namespaces, clock = systemClock } = options;
  let queue: WorkQueue | undefined;
  let leading = !options.leaderElect;
  let grantee = granteeOf(`system:serviceaccount:${options.leaseNamespace}:kcp-mcp-operator`);

  const metrics = createMetrics({
    queueDepth: () => queue?.stats().waiting ?? 0,
    isLeader: () => leading,
    resourcesByReady: () => countByReady(),
  });
  const client = instrument(options.client, metrics);
  const caches = createCaches({
    client,
    namespaces,
    logger,
    checkIssuer: options.checkIssuer,
    probeKcp: options.probeKcp,
    wake: (key, version) => queue?.add(key, version),
    clock,
    timings: { absentMs: ABSENT_MS, ...options.timings },
  });
  const countByReady = (): Record<'True' | 'False' | 'Unknown', number> => {
    const counts = { True: 0, False: 0, Unknown: 0 };
    for (const server of caches.servers.list()) {
      counts[server.status?.conditions?.find(({ type }) => type === 'Ready')?.status ?? 'Unknown'] += 1;
    }
    return counts;
  };

  /** The work of one term as leader; ends when `term` aborts. */
  const work = async (term: AbortSignal): Promise<void> => {
    await caches.settled(term);
    if (term.aborted) return;
    const termClient = client.withSignal(term, options.leaderElect ? () => election.isLeader() : undefined);
    const applier = createApplier({
      client: termClient,
      fieldManager: FIELD_MANAGER,
      hashAnnotation: HASH_ANNOTATION,
    });
    const events = createEventRecorder({
      client: termClient,
      controller: `${GROUP}/${FIELD_MANAGER}`,
      instance: identity.slice(0, 128),
      clock,
      logger,
    });
    const process = createReconciler({
      caches,
      client: termClient,
      applier,
      announce: createAnnouncer(events, logger),
      events,
      metrics,
      logger,
      runtimeImage: options.runtimeImage,
      grantee: () => grantee,
      now: () => new Date(clock.now()),
    });
    const hooks = {
      onDepth: (depth: number) => {
        caches.setBusy(depth > 0);
        options.heap?.waiting(depth);
      },
    };
    const own = createWorkQueue({ process, concurrency: options.concurrency, longestDelayMs, clock, hooks });
    queue = own;
    for (const server of caches.servers.list()) own.add(keyOf(server.metadata));
    own.start();
    logger.info('working', { servers: caches.servers.list().length });

    await aborted(term);
    queue = undefined;
    await own.stop({ graceMs: 0 });
    await events.stop();
    // Also what those referred to who were deleted meanwhile: nobody reconciles them any more.
    caches.releaseAll();
    caches.setBusy(false);
    options.heap?.waiting(0);
  };

  const stopping = new AbortController();
  let working: Promise<void> | undefined;
  const election = createLeaderElection({
    client,
    namespace: options.leaseNamespace,
    name: FIELD_MANAGER,
    identity,
    logger,
    clock,
    ...options.lease,
    onElected: (term) => {
      leading = true;
      logger.info('elected as leader', { identity });
      return work(term);
    },
    onLost: () => {
      leading = false;
      logger.warn('the lease was lost; waiting to be elected again', { identity });
    },
    onNewLeader: (leader) => {
      logger.info('leader', { leader });
    },
  });

  return {
    metrics,
    start(): void {
      caches.start();
      void learnName();
      if (options.leaderElect) election.start();
      else working = work(stopping.signal);
    },
    notReady: () => caches.notReady(),
    isLeader: () => leading,
    async stop(): Promise<void> {
      stopping.abort();
      if (options.leaderElect) await election.stop();
      await working;
      leading = false;
      await caches.stop();
    },
  };

  /** For the commands in messages; until the API server has answered, the name that the default install has. */
  async function learnName(): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        grantee = granteeOf(await whoAmI(client, stopping.signal));
        return;
      } catch {
        await sleep(clock, 5_000, stopping.signal);
      }
    }
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    signal.addEventListener(
      'abort',
      () => {
        resolve();
      },
      { once: true },
    );
  });
}
