import type { IncomingMessage, ServerResponse } from 'node:http';
import { errors } from 'oidc-provider';
import type Provider from 'oidc-provider';
import { authenticate } from './accounts.ts';
import type { Account } from './accounts.ts';
import { renderErrorPage, renderLoginPage } from './login-page.ts';

const maxFormBytes = 16 * 1024;

/** Answers `/interaction/<uid>`: shows the login form, and on the right password sends the browser back into the flow. */
export async function handleInteraction(
  provider: Provider,
  accounts: readonly Account[],
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    const details = await provider.interactionDetails(request, response);
    const client = await provider.Client.find(String(details.params.client_id));
    const page = {
      action: `/interaction/${details.uid}`,
      clientName: client?.clientName ?? String(details.params.client_id),
      redirectHost: new URL(String(details.params.redirect_uri)).host,
    };
    if (request.method !== 'POST') {
      sendPage(response, 200, renderLoginPage(page));
      return;
    }
    const form = await readForm(request);
    const username = form.get('username') ?? '';
    const account = authenticate(accounts, username, form.get('password') ?? '');
    if (!account) {
      sendPage(response, 403, renderLoginPage({ ...page, username, error: 'Wrong user name or password.' }));
      return;
    }
    await provider.interactionFinished(request, response, {
      login: { accountId: account.name, remember: false },
      consent: {},
    });
  } catch (error) {
    if (!(error instanceof errors.OIDCProviderError)) throw error;
    const detail = 'It is older than an hour, or the browser refused the cookie. Start again from your assistant.';
    sendPage(response, 400, renderErrorPage('This sign-in is no longer under way', detail));
  }
}

export function sendPage(response: ServerResponse, status: number, html: string): void {
  response.writeHead(status, {
    'content-type': 'text/html; charset=utf-8',
    'cache-control': 'no-store',
    'x-frame-options': 'DENY',
    'referrer-policy': 'no-referrer',
  });
  response.end(html);
}

async function readForm(request: IncomingMessage): Promise<URLSearchParams> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxFormBytes) throw new errors.InvalidRequest('form too large', 413);
    chunks.push(chunk);
  }
  return new URLSearchParams(Buffer.concat(chunks).toString('utf8'));
}
