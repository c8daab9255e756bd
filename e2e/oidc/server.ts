import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { unwatchFile, watchFile } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { join } from 'node:path';
import type Provider from 'oidc-provider';
import { demoAccounts } from './accounts.ts';
import type { Account } from './accounts.ts';
import { handleInteraction, sendPage } from './interaction.ts';
import { keysFile, loadOrCreateKeys, readKeys } from './keys.ts';
import { renderErrorPage } from './login-page.ts';
import { createProvider, defaultScope } from './provider.ts';
import { Storage } from './storage.ts';

export interface IssuerServerOptions {
  /** Folder for keys and registered clients; created when absent. */
  dir: string;
  address: string;
  port: number;
  issuerURL: string;
  audience: string;
  tls: { certFile: string; keyFile: string };
  accounts?: readonly Account[];
  /** Lifetime of id and access tokens in seconds (default 1 h). */
  tokenLifetime?: number;
}

export interface IssuerServer {
  close(): Promise<void>;
}

const keyPollIntervalMs = 200;

/** Serves the issuer in this process until `close`. Keys written by `rotateKeysIn` take effect within 0.2 s. */
export async function serveIssuer(options: IssuerServerOptions): Promise<IssuerServer> {
  const { dir, issuerURL, audience, accounts = demoAccounts, tokenLifetime = 3600 } = options;
  await mkdir(dir, { recursive: true });
  const storage = new Storage(join(dir, 'clients.json'));
  const cookieSecret = randomBytes(32).toString('base64url');
  const build = (keys: Awaited<ReturnType<typeof readKeys>>): Provider =>
    createProvider({ issuerURL, audience, accounts, keys, adapter: storage.adapter, tokenLifetime, cookieSecret });

  let provider = build(await loadOrCreateKeys(dir));
  // oidc-provider fixes its keys when it is made: new keys mean a new provider over the same storage.
  const reload = (): void => {
    readKeys(dir).then(
      (keys) => {
        provider = build(keys);
      },
      (error: unknown) => {
        console.error(`issuer keys not reloaded: ${String(error)}`);
      },
    );
  };
  watchFile(keysFile(dir), { interval: keyPollIntervalMs, persistent: false }, reload);

  const [cert, key] = await Promise.all([readFile(options.tls.certFile), readFile(options.tls.keyFile)]);
  const server = createServer({ cert, key }, (request, response) => {
    handle(provider, accounts, issuerURL, request, response).catch((error: unknown) => {
      console.error(`${request.method ?? ''} ${pathOf(request)}: ${String(error)}`);
      if (!response.headersSent)
        sendPage(response, 500, renderErrorPage('Internal error', 'See the log of the issuer.'));
    });
  });
  server.listen(options.port, options.address);
  await once(server, 'listening');
  return {
    close: async () => {
      unwatchFile(keysFile(dir), reload);
      storage.close();
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

async function handle(
  provider: Provider,
  accounts: readonly Account[],
  issuerURL: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const path = pathOf(request);
  if (path.startsWith('/interaction/')) {
    await handleInteraction(provider, accounts, request, response);
    return;
  }
  if (path.startsWith('/reg') && answerRegistrationPreflight(request, response)) return;
  if (path === '/auth' && request.method === 'GET') {
    // No session is resumed: whoever starts a sign-in is asked who they are, so alice and bob can share a browser.
    delete request.headers.cookie;
    const url = new URL(request.url ?? '/', issuerURL);
    if (!url.searchParams.get('scope')) {
      url.searchParams.set('scope', defaultScope);
      request.url = `${url.pathname}${url.search}`;
    }
  }
  await provider.callback()(request, response);
}

/** oidc-provider has no CORS on its registration endpoint; MCP clients that live in a browser register from there. */
function answerRegistrationPreflight(request: IncomingMessage, response: ServerResponse): boolean {
  response.setHeader('access-control-allow-origin', request.headers.origin ?? '*');
  response.setHeader('vary', 'Origin');
  if (request.method !== 'OPTIONS') return false;
  response.writeHead(204, {
    'access-control-allow-methods': 'GET,POST,PUT,DELETE',
    'access-control-allow-headers': request.headers['access-control-request-headers'] ?? 'content-type,authorization',
    'access-control-max-age': '3600',
  });
  response.end();
  return true;
}

function pathOf(request: IncomingMessage): string {
  return (request.url ?? '/').split('?', 1)[0] ?? '/';
}
