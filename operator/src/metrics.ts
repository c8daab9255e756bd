/** The operator's Prometheus metrics, all named `kcp_mcp_operator_*`, besides those of the Node process. */
import { isApiError, type KubeClient } from './kube/index.ts';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

/** How a reconcile ended: `success`, or the kind of what keeps the resource from being ready (errors.ts). */
export type ReconcileResult = 'success' | 'waiting' | 'terminal' | 'transient';

/** Values that are read when Prometheus asks, so that nobody has to keep a gauge in step. */
export interface MetricsSources {
  queueDepth(): number;
  isLeader(): boolean;
  /** Number of KcpMcpServers by the status of their Ready condition. */
  resourcesByReady(): Record<'True' | 'False' | 'Unknown', number>;
}

export interface Metrics {
  /** @param seconds from taking the key off the queue until its status is written */
  reconciled(result: ReconcileResult, seconds: number): void;
  /** @param code HTTP status, or 0 when no answer came */
  apiRequest(verb: string, code: number): void;
  /** Everything in Prometheus' text format. */
  text(): Promise<string>;
  contentType: string;
}

export function createMetrics(sources: MetricsSources): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: 'kcp_mcp_operator_' });
  const registers = [registry];

  const reconciles = new Counter({
    name: 'kcp_mcp_operator_reconcile_total',
    help: 'Reconciles by result: success, waiting (a reference is missing), terminal (the spec must change), transient (retried)',
    labelNames: ['result'],
    registers,
  });
  const errors = new Counter({
    name: 'kcp_mcp_operator_reconcile_errors_total',
    help: 'Reconciles that did not leave the resource as wanted, by kind of error',
    labelNames: ['kind'],
    registers,
  });
  const duration = new Histogram({
    name: 'kcp_mcp_operator_reconcile_duration_seconds',
    help: 'Time of one reconcile, status write included',
    buckets: [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    registers,
  });
  const requests = new Counter({
    name: 'kcp_mcp_operator_api_requests_total',
    help: 'Requests to the API server by HTTP method and status code (0: no answer)',
    labelNames: ['verb', 'code'],
    registers,
  });
  new Gauge({
    name: 'kcp_mcp_operator_queue_depth',
    help: 'KcpMcpServers waiting to be reconciled',
    registers,
    collect() {
      this.set(sources.queueDepth());
    },
  });
  new Gauge({
    name: 'kcp_mcp_operator_leader',
    help: '1 while this process holds the Lease and does the work',
    registers,
    collect() {
      this.set(sources.isLeader() ? 1 : 0);
    },
  });
  new Gauge({
    name: 'kcp_mcp_operator_resources',
    help: 'KcpMcpServers by the status of their Ready condition',
    labelNames: ['ready'],
    registers,
    collect() {
      for (const [ready, count] of Object.entries(sources.resourcesByReady())) this.set({ ready }, count);
    },
  });
  // Present from the start, so that a rate() over the first error sees it.
  for (const result of ['success', 'waiting', 'terminal', 'transient']) reconciles.inc({ result }, 0);
  for (const kind of ['waiting', 'terminal', 'transient']) errors.inc({ kind }, 0);

  return {
    reconciled(result, seconds) {
      reconciles.inc({ result });
      if (result !== 'success') errors.inc({ kind: result });
      duration.observe(seconds);
    },
    apiRequest(verb, code) {
      requests.inc({ verb, code: String(code) });
    },
    text: () => registry.metrics(),
    contentType: registry.contentType,
  };
}

/** The same client, with its requests counted. */
export function instrument(client: KubeClient, metrics: Pick<Metrics, 'apiRequest'>): KubeClient {
  const count = async <T>(verb: string, success: number, call: Promise<T>): Promise<T> => {
    try {
      const result = await call;
      metrics.apiRequest(verb, success);
      return result;
    } catch (error) {
      metrics.apiRequest(verb, isApiError(error) ? error.status : 0);
      throw error;
    }
  };
  return {
    defaultNamespace: client.defaultNamespace,
    get: (...args) => count('GET', 200, client.get(...args)),
    list: (...args) => count('GET', 200, client.list(...args)),
    async *pages(...args) {
      const pages = client.pages(...args);
      for (;;) {
        const page = await count('GET', 200, pages.next());
        if (page.done) return;
        yield page.value as never;
      }
    },
    create: (...args) => count('POST', 201, client.create(...args)),
    update: (...args) => count('PUT', 200, client.update(...args)),
    apply: (...args) => count('PATCH', 200, client.apply(...args)),
    applyStatus: (...args) => count('PATCH', 200, client.applyStatus(...args)),
    mergePatch: (...args) => count('PATCH', 200, client.mergePatch(...args)),
    delete: (...args) => count('DELETE', 200, client.delete(...args)),
    watch: (...args) => count('WATCH', 200, client.watch(...args)),
    serves: (...args) => count('GET', 200, client.serves(...args)),
    withSignal: (signal, isValid) => instrument(client.withSignal(signal, isValid), metrics),
    close: () => client.close(),
  };
}
