/** What reached the synthetic kcp so far. */
export interface Counts {
  /** TLS handshakes. */
  handshakes: number;
  /** Requests of any kind; the rest are parts of it. */
  requests: number;
  /** `/version`: the probe of access. */
  probes: number;
  /** `/api`, `/apis` and what is below them down to the version. */
  discovery: number;
}

export function newCounts(): Counts {
  return { handshakes: 0, requests: 0, probes: 0, discovery: 0 };
}

/** @param path below the workspace, without query. */
export function count(counts: Counts, path: string): void {
  counts.requests++;
  if (path === '/version') counts.probes++;
  else if (/^\/(api(\/[^/]+)?|apis(\/[^/]+){0,2})$/.test(path)) counts.discovery++;
}

/** What came between two readings. */
export function since(before: Counts, after: Counts): Counts {
  return {
    handshakes: after.handshakes - before.handshakes,
    requests: after.requests - before.requests,
    probes: after.probes - before.probes,
    discovery: after.discovery - before.discovery,
  };
}
