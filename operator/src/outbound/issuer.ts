/** Whether an identity provider is what it is said to be: its discovery document, its keys, and how clients get to be known. */
import type { HostAlias } from './addresses.ts';
import { OutboundError, type OutboundErrorKind } from './errors.ts';
import { httpsGet, type Trust } from './https-get.ts';

export interface IssuerQuestion {
  /** `spec.auth.oidc.issuerURL`. */
  issuer: string;
  /** PEM of the CAs to trust in place of the well-known ones. */
  ca?: string | undefined;
  aliases: readonly HostAlias[];
}

export type IssuerAnswer =
  | {
      outcome: 'verified';
      /** RFC 7591, or client id metadata documents. */
      registersClients: boolean;
    }
  /** The document names another issuer: '' where it names none. Text of the other side. */
  | { outcome: 'mismatch'; named: string }
  /** The document is right but has no keys to check tokens with. */
  | { outcome: 'no-keys'; why: string }
  /** There is no document to judge. */
  | { outcome: 'failed'; kind: OutboundErrorKind | 'answer'; why: string };

export type CheckIssuer = (question: IssuerQuestion, signal: AbortSignal) => Promise<IssuerAnswer>;

const MAX_URL = 2048;

/** Something answered, but not what was asked for. */
class AnswerError extends Error {
  readonly status: number;
  constructor(message: string, status = 200) {
    super(message);
    this.status = status;
  }
}

type Document = Readonly<Record<string, unknown>>;

/**
 * A check by OpenID Connect Discovery 1.0 §4: what the Pods do before they are ready, and what clients need beyond that.
 *
 * @param allowLocal whether issuers may be at loopback or link-local addresses
 */
export function createIssuerCheck({ allowLocal }: Pick<Trust, 'allowLocal'>): CheckIssuer {
  return async ({ issuer, ca, aliases }, signal) => {
    const get = (url: URL): Promise<Document> => getJson(url, { ca, aliases, allowLocal }, signal);
    try {
      return await check(issuer, get);
    } catch (error) {
      if (error instanceof OutboundError) return { outcome: 'failed', kind: error.kind, why: error.message };
      if (error instanceof AnswerError) return { outcome: 'failed', kind: 'answer', why: error.message };
      throw error;
    }
  };
}

async function check(issuer: string, get: (url: URL) => Promise<Document>): Promise<IssuerAnswer> {
  const metadata = await discover(issuer, get);
  const { issuer: named, jwks_uri: jwksUri } = metadata;
  if (named !== issuer) return { outcome: 'mismatch', named: typeof named === 'string' ? named.slice(0, MAX_URL) : '' };

  const keysURL = typeof jwksUri === 'string' && jwksUri.length <= MAX_URL ? URL.parse(jwksUri) : null;
  if (keysURL?.protocol !== 'https:') {
    return { outcome: 'no-keys', why: 'its discovery document has no https jwks_uri' };
  }
  // Whoever names the issuer would have us sign in somewhere.
  if (keysURL.username !== '' || keysURL.password !== '') {
    return { outcome: 'no-keys', why: 'its jwks_uri holds a user or password' };
  }
  const { keys } = await get(keysURL);
  if (!Array.isArray(keys) || !keys.some(isForSignatures)) {
    return { outcome: 'no-keys', why: `the key set at ${keysURL.href} has no public key for signatures` };
  }
  return { outcome: 'verified', registersClients: registers(metadata) || (await registersByOAuth(issuer, get)) };
}

async function discover(issuer: string, get: (url: URL) => Promise<Document>): Promise<Document> {
  try {
    return await get(new URL(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`));
  } catch (error) {
    if (!(error instanceof AnswerError) || error.status !== 404) throw error;
    const oauth = await oauthMetadata(issuer, get);
    if (oauth === undefined) throw error;
    throw new AnswerError(`${error.message}; it has OAuth metadata (RFC 8414), but no OpenID Connect discovery`, 404);
  }
}

const registers = (metadata: Document): boolean =>
  typeof metadata['registration_endpoint'] === 'string' || metadata['client_id_metadata_document_supported'] === true;

/** MCP clients read RFC 8414 metadata before those of OpenID Connect, so what only those say counts. */
async function registersByOAuth(issuer: string, get: (url: URL) => Promise<Document>): Promise<boolean> {
  const metadata = await oauthMetadata(issuer, get);
  return metadata !== undefined && registers(metadata);
}

/** RFC 8414 §3.1: the well-known part goes between host and path. Undefined where there is none for this issuer. */
async function oauthMetadata(issuer: string, get: (url: URL) => Promise<Document>): Promise<Document | undefined> {
  const { origin, pathname } = new URL(issuer);
  try {
    const found = await get(new URL(`${origin}/.well-known/oauth-authorization-server${pathname.replace(/\/$/, '')}`));
    return found['issuer'] === issuer ? found : undefined;
  } catch (error) {
    if (error instanceof AnswerError || (error instanceof OutboundError && error.kind === 'redirect')) return undefined;
    throw error;
  }
}

async function getJson(url: URL, trust: Trust, signal: AbortSignal): Promise<Document> {
  const { status, body } = await httpsGet(url, trust, signal);
  if (status !== 200) throw new AnswerError(`GET ${url.href} answers with status ${status}`, status);
  const value = parse(body);
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Document;
  throw new AnswerError(`GET ${url.href} doesn't answer with a JSON object`);
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

/** RFC 7517 §4.1, §4.2: asymmetric, and not for encryption. */
function isForSignatures(key: unknown): boolean {
  const { kty, use } = (key ?? {}) as { kty?: unknown; use?: unknown };
  return (kty === 'RSA' || kty === 'EC' || kty === 'OKP') && (use === undefined || use === 'sig');
}
