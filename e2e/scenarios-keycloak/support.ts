// What the scenarios share: the running Keycloak and what is around it (KEYCLOAK_STATE), signed-in people, requests by hand.
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { KeycloakState } from '../keycloak/environment.ts';
import { repoRoot } from '../lib/cache.ts';
import { expect } from '@jest/globals';
import { connectMcp } from '../oidc/connect.ts';
import type { ToolResult } from '../oidc/connect.ts';
import { trustingFetch } from '../oidc/http.ts';
import { signIn } from '../oidc/sign-in.ts';
import type { SignedIn, SignInOptions } from '../oidc/sign-in.ts';

const file = process.env['KEYCLOAK_STATE'];
if (!file) throw new Error('KEYCLOAK_STATE names the state of a running Keycloak; `make e2e-keycloak` sets it');

/** The environment that the scenarios run in. */
export const state = JSON.parse(readFileSync(file, 'utf8')) as KeycloakState;

/** The page that platform engineers set their realm up by. */
const guide = readFileSync(join(repoRoot, 'docs/keycloak.md'), 'utf8');

/** The texts that the page quotes must be those that Keycloak writes. @returns the text */
export function quoted(text: string): string {
  // The page itself is too long for a message.
  expect({ text, isInGuide: guide.includes(text) }).toEqual({ text, isInGuide: true });
  return text;
}

/** Signs a person in as an MCP client does, by default with all that the client finds out by itself. */
export function signInAs(name: string, mcpURL: string, options: Partial<SignInOptions> = {}): Promise<SignedIn> {
  const user = state.users.find((each) => each.name === name);
  if (!user) throw new Error(`no such user: ${name}`);
  return signIn({ mcpURL, user: user.name, password: user.password, ca: state.caFile, ...options });
}

/** Calls one tool with a token. */
export async function callTool(mcpURL: string, token: string, tool: string, args: object = {}): Promise<ToolResult> {
  const client = await connectMcp({ mcpURL, accessToken: token, ca: state.caFile });
  try {
    return await client.callTool(tool, args as Record<string, unknown>);
  } finally {
    await client.close();
  }
}

/** Paths of the workspaces that a token's holder may enter. */
export async function workspacesOf(mcpURL: string, token: string): Promise<string[]> {
  const { structuredContent, text, isError } = await callTool(mcpURL, token, 'kcp_workspaces_list');
  if (isError) throw new Error(text);
  return (structuredContent as { workspaces: { path: string }[] }).workspaces.map(({ path }) => path);
}

export interface Answer {
  status: number;
  headers: Headers;
  text: string;
}

/** One request, its answer read to the end. */
export async function send(url: string, init: RequestInit = {}): Promise<Answer> {
  const http = await trustingFetch(state.caFile);
  try {
    const response = await http.fetch(url, init);
    return { status: response.status, headers: response.headers, text: await response.text() };
  } finally {
    await http.close();
  }
}

/** What the endpoint says to a request with a token, without a client in between. */
export const post = (mcpURL: string, token: string): Promise<Answer> =>
  send(mcpURL, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      authorization: `Bearer ${token}`,
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list', params: {} }),
  });

/** A client that was registered with these scopes, or with those that the realm gives by default. */
export async function registered(scope?: string): Promise<{ client_id: string; issuer: string }> {
  const { status, text } = await register(state.issuerURL, scope === undefined ? {} : { scope });
  if (status !== 201) throw new Error(text);
  const { client_id } = JSON.parse(text) as { client_id: string };
  return { client_id, issuer: state.issuerURL };
}

/** Asks Keycloak to register a client, as nobody. */
export const register = (
  issuerURL: string,
  changes: Record<string, unknown> = {},
  headers: Record<string, string> = {},
): Promise<Answer> =>
  send(`${issuerURL}/clients-registrations/openid-connect`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({
      client_name: 'by hand',
      redirect_uris: ['http://127.0.0.1/callback'],
      token_endpoint_auth_method: 'none',
      ...changes,
    }),
  });

interface Seen {
  status: number;
  user?: string;
  userAgent?: string;
  audience?: string | string[];
}

/** Requests that reached kcp, oldest first. */
export async function kcpRequests(): Promise<Seen[]> {
  const lines = (await readFile(state.kcp.requestLog, 'utf8')).split('\n');
  return lines.filter((line) => line.endsWith('}')).map((line) => JSON.parse(line) as Seen);
}

/** The protected-resource metadata of an endpoint (RFC 9728). */
export async function metadataOf(mcpURL: string): Promise<Record<string, unknown>> {
  const { origin, pathname } = new URL(mcpURL);
  const { text } = await send(`${origin}/.well-known/oauth-protected-resource${pathname}`);
  return JSON.parse(text) as Record<string, unknown>;
}
