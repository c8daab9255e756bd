import type { Credentials, PlaneClient } from './plane-client.ts';
import { PlaneError } from './plane-client.ts';
import type { Plane } from './plane.ts';

export type Verdict =
  | { allowed: boolean; user: string; unauthorized?: undefined }
  /** The plane didn't take the credentials. */
  | { allowed: false; user?: undefined; unauthorized: true };

/** What is asked of a plane about its own caller (SelfSubjectAccessReview). */
export interface Question {
  nonResourceAttributes?: { path: string; verb: string };
  resourceAttributes?: { group: string; resource: string; subresource?: string; name?: string; verb: string };
}

/** kcp's gate: verb `access` on `/`, granted by RBAC inside the workspace. */
const mayEnter: Question = { nonResourceAttributes: { path: '/', verb: 'access' } };

const verdictLifetimeMs = 1000;
const maxEntries = 10_000;

/**
 * Asks the planes, with the caller's own credentials, what the caller may do.
 *
 * A yes is remembered for a second at most, and not across a change of the workspace's RBAC; a no is never remembered.
 */
export class AccessGate {
  readonly #client: PlaneClient;
  readonly #entered = new Map<string, { until: number; user: string }>();
  readonly #users = new Map<string, string>();

  constructor(client: PlaneClient) {
    this.#client = client;
  }

  /** Whether the caller may enter the workspace at all. */
  async enter(plane: Plane, credentials: Credentials, key: string): Promise<Verdict> {
    const entry = `${plane.cluster}/${key}`;
    const remembered = this.#entered.get(entry);
    if (remembered && remembered.until > Date.now()) return { allowed: true, user: remembered.user };
    const verdict = await this.ask(plane, credentials, key, mayEnter);
    if (verdict.allowed) remember(this.#entered, entry, { until: Date.now() + verdictLifetimeMs, user: verdict.user });
    else this.#entered.delete(entry);
    return verdict;
  }

  /** Asks one question of the plane. */
  async ask(plane: Plane, credentials: Credentials, key: string, question: Question): Promise<Verdict> {
    try {
      const review = (await this.#client.json(plane.url, credentials, {
        method: 'POST',
        path: '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
        body: { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectAccessReview', spec: question },
      })) as { status: { allowed: boolean } };
      return { allowed: review.status.allowed, user: await this.#userName(plane, credentials, key) };
    } catch (error) {
      if (!(error instanceof PlaneError)) throw error;
      if (error.code === 401) return { allowed: false, unauthorized: true };
      if (error.code === 403) return { allowed: false, user: await this.#userName(plane, credentials, key) };
      throw error;
    }
  }

  /** Forgets who may enter a workspace, because its RBAC may have changed. */
  forget(plane: Plane): void {
    for (const entry of this.#entered.keys()) if (entry.startsWith(`${plane.cluster}/`)) this.#entered.delete(entry);
  }

  /** A token's name never changes, so it is asked for once. */
  async #userName(plane: Plane, credentials: Credentials, key: string): Promise<string> {
    const known = this.#users.get(key);
    if (known !== undefined) return known;
    const review = (await this.#client.json(plane.url, credentials, {
      method: 'POST',
      path: '/apis/authentication.k8s.io/v1/selfsubjectreviews',
      body: { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' },
    })) as { status: { userInfo: { username: string } } };
    const user = review.status.userInfo.username;
    remember(this.#users, key, user);
    return user;
  }
}

function remember<T>(map: Map<string, T>, key: string, value: T): void {
  map.set(key, value);
  if (map.size > maxEntries) map.delete(map.keys().next().value ?? '');
}
