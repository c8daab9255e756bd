/** Nano-units of one: the finest that Kubernetes writes. */
const NANO = 1_000_000_000n;

const SUFFIXES: Readonly<Record<string, bigint>> = {
  n: 1n,
  u: 1_000n,
  m: 1_000_000n,
  '': NANO,
  k: NANO * 10n ** 3n,
  M: NANO * 10n ** 6n,
  G: NANO * 10n ** 9n,
  T: NANO * 10n ** 12n,
  P: NANO * 10n ** 15n,
  E: NANO * 10n ** 18n,
  Ki: NANO << 10n,
  Mi: NANO << 20n,
  Gi: NANO << 30n,
  Ti: NANO << 40n,
  Pi: NANO << 50n,
  Ei: NANO << 60n,
};

/**
 * Parses a quantity (`250m`, `1.5Gi`, `12e6`), exactly.
 * @returns in billionths; undefined for what isn't one.
 * @see https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
 */
export function parseQuantity(text: unknown): bigint | undefined {
  if (typeof text !== 'string') return undefined;
  const parts = /^([+-]?)(\d{0,30})(?:\.(\d{0,30}))?(?:([numkMGTPE]|[KMGTPE]i)|[eE]([+-]?\d{1,2}))?$/.exec(text);
  if (parts === null) return undefined;
  const [, sign, whole = '', fraction = '', suffix = '', exponent = '0'] = parts;
  if (whole === '' && fraction === '') return undefined;
  const scaled = BigInt(whole + fraction) * (SUFFIXES[suffix] ?? NANO) * 10n ** BigInt(Math.max(0, Number(exponent)));
  const value = roundUp(scaled, 10n ** BigInt(fraction.length + Math.max(0, -Number(exponent))));
  return sign === '-' ? -value : value;
}

/** The quotient, rounded up as Kubernetes rounds quantities. For what isn't negative. */
function roundUp(value: bigint, divisor: bigint): bigint {
  return (value + divisor - 1n) / divisor;
}

/** CPU as `kubectl top` writes it: `250m`. */
export function formatCpu(nano: bigint): string {
  return `${roundUp(nano, NANO / 1_000n)}m`;
}

/** Memory as `kubectl top` writes it: `512Mi`. */
export function formatMemory(nano: bigint): string {
  return `${roundUp(nano, NANO) >> 20n}Mi`;
}

/** The part in per cent, from thousandths and rounded down, as `kubectl top` does; 0 of nothing. */
export function percentOf(part: bigint, whole: bigint): bigint {
  const [used, available] = [part, whole].map((nano) => roundUp(nano, NANO / 1_000n)) as [bigint, bigint];
  return available <= 0n ? 0n : (used * 100n) / available;
}
