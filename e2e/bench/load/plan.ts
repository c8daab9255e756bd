import type { Counts } from '../kcp/counts.ts';

/** One HTTP request, ready to be sent. */
export interface PlannedRequest {
  method: 'GET' | 'POST';
  path: string;
  headers: Record<string, string>;
  body?: string;
}

/** What a load generator does: as many requests at a time as it has connections, each as soon as the one before is answered. */
export interface LoadPlan {
  /** `https://HOST:PORT` */
  origin: string;
  /** Certificate that the server is trusted by. */
  caFile: string;
  /** Kept-alive HTTP/1.1 connections; one request at a time on each. */
  connections: number;
  /** Sent in turn, and again from the first. */
  requests: PlannedRequest[];
  /** Sent in the warm-up in place of them, where they may be sent once only. */
  opening?: PlannedRequest;
  /** Ends after so much time, or after so many requests. */
  until: { ms: number } | { requests: number };
  /** Time before that in which the same is done and not counted, in milliseconds; each connection sends at least one request. */
  warmUpMs: number;
  /** Process whose processor time is read before and after what is counted. */
  pid?: number;
  /** Where the synthetic kcp's counters are read before and after what is counted. */
  countsURL?: string;
}

/** What came of it. */
export interface LoadResult {
  /** Counted requests. */
  requests: number;
  elapsedMs: number;
  /** Times from sending to the end of the answer in microseconds, in the order of the answers; see {@link thinned}. */
  samplesUs: number[];
  /** Answers that weren't a success: another status than 200, a JSON-RPC error, a tool's failure. */
  failures: number;
  /** The first of those, shortened. */
  failure?: string;
  /** Bytes of an answer's body, on average. */
  bytes: number;
  /** Processor time that the generator itself took for the counted requests, in milliseconds. */
  generatorCpuMs: number;
  /** Processor time that the process of the plan took for them. */
  serverCpuMs?: number;
  /** What reached kcp for them. */
  kcp?: Counts;
}

/** Samples that are kept of one run; five rounds of that many place a 99th percentile well. */
const mostSamples = 1_000;

/** Every n-th sample, so that no more than 1,000 are left and every part of the run is seen. */
export function thinned(samples: readonly number[]): number[] {
  const step = Math.ceil(samples.length / mostSamples);
  return step <= 1 ? [...samples] : samples.filter((_, index) => index % step === 0);
}
