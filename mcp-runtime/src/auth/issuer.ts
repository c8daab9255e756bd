import { createHash } from 'node:crypto';
import { createLocalJWKSet, errors, type JWTVerifyGetKey } from 'jose';
import { messageOf, type Log } from '../log.ts';
import type { FetchJson } from './fetch-json.ts';
import { usableKeys, type UsableKeys } from './keys.ts';

/** The parts of OpenID Connect Discovery 1.0 §3 that we read; the whole document is passed on to older clients. */
export type IssuerMetadata = Readonly<Record<string, unknown> & { issuer: string; jwks_uri: string }>;

/** The identity provider as the runtime knows it: its metadata and the keys it signs with, kept while it is away. */
export interface Issuer {
  /** `iss` of every token. */
  readonly url: string;
  /** False until the keys were loaded once. */
  ready(): boolean;
  /** Why {@link ready} is false, for people. */
  problem(): string | undefined;
  metadata(): IssuerMetadata | undefined;
  /**
   * Finds the key of a token for jose's `jwtVerify`. An unknown `kid` has the keys fetched again, at most once per cool-down.
   *
   * @throws jose's `JWKSNoMatchingKey`, {@link KeysNotLoadedError}.
   */
  readonly key: JWTVerifyGetKey;
  /** Changes whenever the set of keys does: what was verified under another value has to be verified again. */
  generation(): number;
  /** Loads the keys now, as when the CA has changed. @returns whether it worked; the keys known before stay otherwise. */
  reload(): Promise<boolean>;
  /** Ends the periodic refresh. */
  stop(): void;
}

/** The issuer was never reached: nobody's token can be judged yet. */
export class KeysNotLoadedError extends Error {
  override readonly name = 'KeysNotLoadedError';
}

export interface IssuerOptions {
  /** `authorization_url`: compared with `issuer` of the discovery document, character for character (Discovery §4.3). */
  readonly url: string;
  readonly fetchJson: FetchJson;
  readonly log: Log;
  /** Called with the outcome of every attempt to load keys. */
  readonly onRefresh?: (result: 'success' | 'failure') => void;
  /** How often an unknown `kid` may cause a fetch, in milliseconds. */
  readonly coolDownMs?: number;
  /** How often keys are fetched anyway, so that a withdrawn key stops counting, in milliseconds. */
  readonly refreshMs?: number;
  /** First and longest pause between attempts while keys are missing, in milliseconds. */
  readonly backoffMs?: { readonly first: number; readonly longest: number };
  /** Milliseconds since the epoch. */
  readonly clock?: () => number;
}

const MAX_URL = 2_048;

/** Starts loading the issuer's keys; never fails: an issuer that is down is retried until it answers. */
export function createIssuer(options: IssuerOptions): Issuer {
  const { url, fetchJson, log, coolDownMs = 30_000, refreshMs = 600_000, clock = Date.now } = options;
  const backoff = options.backoffMs ?? { first: 500, longest: 30_000 };
  let metadata: IssuerMetadata | undefined;
  let keys: { find: JWTVerifyGetKey; digest: string } | undefined;
  let generation = 0;
  let problem: string | undefined = 'the keys were not loaded yet';
  let failures = 0;
  let lastForced = -Infinity;
  let loading: Promise<boolean> | undefined;
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;

  async function load(): Promise<boolean> {
    try {
      const found = checkMetadata(await fetchJson(discoveryUrl(url)), url);
      const set = checkKeys(await fetchJson(found.jwks_uri));
      const digest = createHash('sha256').update(JSON.stringify(set)).digest('hex');
      metadata = found;
      if (keys?.digest !== digest) {
        keys = { find: createLocalJWKSet(set), digest };
        generation++;
        log.info('keys of the issuer loaded', { issuer: url, keys: set.keys.length });
        if (set.refused.length > 0)
          log.warn('keys of the issuer not used', { issuer: url, why: set.refused.slice(0, 10) });
      }
      failures = 0;
      problem = undefined;
      options.onRefresh?.('success');
      return true;
    } catch (error) {
      failures++;
      problem = `the keys of ${url} can't be loaded: ${messageOf(error)}`;
      log.warn("keys of the issuer can't be loaded", {
        issuer: url,
        error: messageOf(error),
        known: keys !== undefined,
      });
      options.onRefresh?.('failure');
      return false;
    }
  }

  /** One load at a time: those who need it meanwhile share it. */
  function refresh(): Promise<boolean> {
    loading ??= load().finally(() => {
      loading = undefined;
      schedule();
    });
    return loading;
  }

  function schedule(): void {
    clearTimeout(timer);
    if (stopped) return;
    const pause =
      failures === 0 ? refreshMs : Math.min(backoff.longest, backoff.first * 2 ** Math.min(failures - 1, 20));
    // Replicas that started together don't come together.
    timer = setTimeout(() => void refresh(), pause * (0.75 + Math.random() / 2)).unref();
  }

  const key: JWTVerifyGetKey = async (header, token) => {
    if (keys === undefined) throw new KeysNotLoadedError(problem);
    try {
      return await keys.find(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      if (clock() - lastForced >= coolDownMs) lastForced = clock();
      // A load that is under way may bring the key: after a rotation many come at once.
      else if (loading === undefined) throw error;
      await refresh();
      return keys.find(header, token);
    }
  };

  void refresh();
  return {
    url,
    ready: () => keys !== undefined,
    problem: () => (keys === undefined ? problem : undefined),
    metadata: () => metadata,
    key,
    generation: () => generation,
    reload: refresh,
    stop: () => {
      stopped = true;
      clearTimeout(timer);
    },
  };
}

/** OpenID Connect Discovery 1.0 §4: a terminating slash of the issuer is left out of the address. */
function discoveryUrl(issuer: string): string {
  return `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
}

function checkMetadata(document: unknown, issuer: string): IssuerMetadata {
  const { issuer: named, jwks_uri: jwksUri } = (document ?? {}) as { issuer?: unknown; jwks_uri?: unknown };
  if (named !== issuer) {
    throw new Error(
      `the discovery document names the issuer ${typeof named === 'string' ? named.slice(0, 200) : '(none)'}; write that in authorization_url`,
    );
  }
  if (
    typeof jwksUri !== 'string' ||
    jwksUri.length > MAX_URL ||
    !URL.canParse(jwksUri) ||
    new URL(jwksUri).protocol !== 'https:'
  ) {
    throw new Error('the discovery document has no https jwks_uri');
  }
  return document as IssuerMetadata;
}

function checkKeys(document: unknown): UsableKeys {
  const { keys } = (document ?? {}) as { keys?: unknown };
  if (!Array.isArray(keys) || keys.length === 0) throw new Error('the key set at jwks_uri is empty');
  const usable = usableKeys(keys);
  if (usable.keys.length > 0) return usable;
  const why = usable.refused.length === 0 ? '' : `: ${usable.refused.slice(0, 3).join(', ')}`;
  throw new Error(`the key set at jwks_uri has no key to verify signatures with${why}`);
}
