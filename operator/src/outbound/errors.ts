/**
 * - `dns`: the name has no address
 * - `address`: it has one that isn't asked, see addresses.ts
 * - `refused`, `timeout`: nobody answers there
 * - `certificate`: somebody does who can't be trusted
 * - `redirect`, `size`, `protocol`: somebody does whose answer isn't taken
 * - `network`: all else
 */
export type OutboundErrorKind =
  'dns' | 'address' | 'refused' | 'timeout' | 'certificate' | 'redirect' | 'size' | 'protocol' | 'network';

/**
 * A request to a host that a user named, which got no answer that counts. The message is the same for the same fault, whichever
 * of the host's addresses it happened at, and holds nothing that the other side said: it may be shown in conditions.
 */
export class OutboundError extends Error {
  override readonly name = 'OutboundError';
  readonly kind: OutboundErrorKind;

  /** @param host with the port, where it matters */
  constructor(kind: OutboundErrorKind, host: string, detail = '') {
    super(TEXTS[kind](host, detail));
    this.kind = kind;
  }
}

const TEXTS: Record<OutboundErrorKind, (host: string, detail: string) => string> = {
  dns: (host) => `the name ${host} can't be resolved`,
  address: (host) => `${host} is a loopback, link-local or unspecified address, which the operator doesn't ask`,
  refused: (host) => `${host} refuses connections`,
  timeout: (host) => `${host} doesn't answer in time`,
  certificate: (host, detail) => `the certificate of ${host} ${detail}`,
  redirect: (host, detail) => `${host} answers with a redirect (${detail}), which is not followed`,
  size: (host) => `${host} answers with more than 1 MiB`,
  protocol: (host) => `${host} doesn't speak HTTP over TLS`,
  network: (host, detail) => `the connection to ${host} fails (${detail})`,
};

/** Codes of Node's TLS verification, in words. */
const CERTIFICATE_FAULTS: Record<string, string> = {
  ERR_TLS_CERT_ALTNAME_INVALID: 'is made out to other names',
  CERT_HAS_EXPIRED: 'has expired',
  CERT_NOT_YET_VALID: 'is not valid yet',
};

/** OpenSSL's X509_V_ERR_*, as Node names them (doc/api/tls.md, X509 certificate error codes). */
const VERIFICATION = /CERT|ALTNAME|SELF_SIGNED|UNABLE_TO_|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH/;

/** The error of a request by Node's own clients. */
export function outboundError(error: unknown, host: string): OutboundError {
  if (error instanceof OutboundError) return error;
  const { code = '', name = '' } = (error ?? {}) as { code?: string; name?: string };
  if (name === 'TimeoutError' || code === 'ETIMEDOUT') return new OutboundError('timeout', host);
  if (code === 'ECONNREFUSED') return new OutboundError('refused', host);
  if (VERIFICATION.test(code)) {
    return new OutboundError('certificate', host, CERTIFICATE_FAULTS[code] ?? `is not trusted (${code})`);
  }
  if (/^(EPROTO|ERR_SSL_|HPE_)/.test(code)) return new OutboundError('protocol', host);
  return new OutboundError('network', host, /^\w{1,64}$/.test(code) ? code : 'no answer');
}
