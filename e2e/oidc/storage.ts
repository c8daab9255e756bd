import { readFileSync, writeFileSync } from 'node:fs';
import type { Adapter, AdapterFactory, AdapterPayload } from 'oidc-provider';

interface Entry {
  model: string;
  id: string;
  payload: AdapterPayload;
  /** Milliseconds since the epoch; Infinity for what never expires. */
  expiresAt: number;
}

const sweepIntervalMs = 60_000;

/**
 * What oidc-provider keeps (sessions, codes, refresh tokens, clients), in memory; the registered clients are also written
 * to `clientsFile`, because MCP clients remember their registration for longer than an issuer of a demo lives.
 */
export class Storage {
  readonly #entries = new Map<string, Entry>();
  readonly #clientsFile: string;
  readonly #sweeper: NodeJS.Timeout;

  constructor(clientsFile: string) {
    this.#clientsFile = clientsFile;
    for (const client of readClients(clientsFile)) {
      if (client.client_id !== undefined) this.#put('Client', client.client_id, client, Infinity);
    }
    this.#sweeper = setInterval(() => {
      this.#sweep();
    }, sweepIntervalMs);
    this.#sweeper.unref();
  }

  /** The adapter that oidc-provider's `adapter` setting takes. */
  readonly adapter: AdapterFactory = (model: string): Adapter => ({
    upsert: (id, payload, expiresIn) => {
      this.#put(model, id, payload, expiresIn === undefined ? Infinity : Date.now() + expiresIn * 1000);
      if (model === 'Client') this.#writeClients();
      return Promise.resolve();
    },
    find: (id) => Promise.resolve(this.#get(model, id)),
    findByUid: (uid) => Promise.resolve(this.#search((entry) => entry.model === model && entry.payload.uid === uid)),
    findByUserCode: (code) =>
      Promise.resolve(this.#search((entry) => entry.model === model && entry.payload.userCode === code)),
    consume: (id) => {
      const payload = this.#get(model, id);
      if (payload) payload.consumed = Math.floor(Date.now() / 1000);
      return Promise.resolve();
    },
    destroy: (id) => {
      this.#entries.delete(keyOf(model, id));
      if (model === 'Client') this.#writeClients();
      return Promise.resolve();
    },
    revokeByGrantId: (grantId) => {
      for (const [key, entry] of this.#entries) if (entry.payload.grantId === grantId) this.#entries.delete(key);
      return Promise.resolve();
    },
  });

  close(): void {
    clearInterval(this.#sweeper);
  }

  #put(model: string, id: string, payload: AdapterPayload, expiresAt: number): void {
    this.#entries.set(keyOf(model, id), { model, id, payload, expiresAt });
  }

  #get(model: string, id: string): AdapterPayload | undefined {
    const entry = this.#entries.get(keyOf(model, id));
    return entry && entry.expiresAt > Date.now() ? entry.payload : undefined;
  }

  #search(matches: (entry: Entry) => boolean): AdapterPayload | undefined {
    for (const entry of this.#entries.values()) {
      if (entry.expiresAt > Date.now() && matches(entry)) return entry.payload;
    }
    return undefined;
  }

  #sweep(): void {
    const now = Date.now();
    for (const [key, entry] of this.#entries) if (entry.expiresAt <= now) this.#entries.delete(key);
  }

  #writeClients(): void {
    const clients = [...this.#entries.values()]
      .filter((entry) => entry.model === 'Client')
      .map((entry) => entry.payload);
    writeFileSync(this.#clientsFile, JSON.stringify(clients, null, 2), { mode: 0o600 });
  }
}

function keyOf(model: string, id: string): string {
  return `${model}:${id}`;
}

function readClients(file: string): AdapterPayload[] {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as AdapterPayload[];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
