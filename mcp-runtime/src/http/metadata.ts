import type { IncomingMessage, ServerResponse } from 'node:http';
import { getOAuthProtectedResourceMetadataUrl } from '@modelcontextprotocol/server';
import type { SignInConfig } from '../config/schema.ts';
import type { Issuer } from '../auth/issuer.ts';
import { signInHelp } from './help.ts';
import { sendJson, sendText } from './respond.ts';

/** A document, a page for people, or why there is none just now. */
export type MetadataAnswer =
  | { readonly status: 200; readonly document: object }
  | { readonly status: 200; readonly page: string }
  | { readonly status: 503; readonly message: string };

/** The documents from which clients learn where to sign in. They are public. */
export interface Metadata {
  /** Address of the protected-resource metadata, for challenges (RFC 9728 §5.1). */
  readonly url: string;
  /** Scopes for clients to request: those advertised and those required. */
  readonly scopes: readonly string[];
  /** Address of the page for people whose client can't sign in. */
  readonly help: string;
  /** The document at a path, or undefined when the path is none of ours. */
  at(path: string): MetadataAnswer | undefined;
}

type MetadataConfig = Pick<
  SignInConfig,
  | 'server_url'
  | 'authorization_url'
  | 'oauth_audience'
  | 'oauth_scopes'
  | 'disable_dynamic_client_registration'
  | 'toolset_configs'
>;

const PROTECTED_RESOURCE = '/.well-known/oauth-protected-resource';
const AUTHORIZATION_SERVER = '/.well-known/oauth-authorization-server';
const HELP = '/help';

/**
 * Protected-resource metadata (RFC 9728 §2), the page for people that it names and, for clients from before it, the issuer's own
 * metadata passed on (RFC 8414). Registration stays with the issuer: nothing here issues anything.
 */
export function createMetadata(config: MetadataConfig, issuer: Issuer): Metadata {
  const resource = `${config.server_url}/mcp`;
  const url = getOAuthProtectedResourceMetadataUrl(new URL(resource));
  const scopes = [...new Set([...config.oauth_scopes, ...config.toolset_configs.kcp.required_scopes])];
  const help = `${config.server_url}${HELP}`;
  const document = {
    resource,
    authorization_servers: [config.authorization_url],
    ...(scopes.length === 0 ? {} : { scopes_supported: scopes }),
    bearer_methods_supported: ['header'],
    resource_name: 'kcp',
    resource_documentation: help,
  };
  const page = signInHelp(config, scopes);
  // A server_url with a path: proxies may or may not strip it.
  const helpPaths = new Set([HELP, new URL(help).pathname]);
  const protectedResource = new Set([PROTECTED_RESOURCE, `${PROTECTED_RESOURCE}/mcp`, new URL(url).pathname]);
  const authorizationServer = new Set([AUTHORIZATION_SERVER, `${AUTHORIZATION_SERVER}/mcp`]);

  return {
    url,
    scopes,
    help,
    at(path) {
      if (protectedResource.has(path)) return { status: 200, document };
      if (helpPaths.has(path)) return { status: 200, page };
      if (!authorizationServer.has(path)) return undefined;
      const passedOn = issuer.metadata();
      if (passedOn === undefined) return { status: 503, message: 'the metadata of the issuer was not loaded yet' };
      if (!config.disable_dynamic_client_registration) return { status: 200, document: passedOn };
      const { registration_endpoint: _, ...rest } = passedOn;
      return { status: 200, document: rest };
    },
  };
}

/** Public documents, open to any web page (RFC 9728 §3: clients of every kind start here). */
export function sendMetadata(path: string, metadata: Metadata, req: IncomingMessage, res: ServerResponse): void {
  const cors = { 'Access-Control-Allow-Origin': '*' };
  if (req.method === 'OPTIONS') {
    const methods = { 'Access-Control-Allow-Methods': 'GET, HEAD, OPTIONS', 'Access-Control-Allow-Headers': '*' };
    res.writeHead(204, { ...cors, ...methods, 'Access-Control-Max-Age': '600' }).end();
    return;
  }
  if (req.method !== 'GET' && req.method !== 'HEAD') {
    sendJson(res, 405, { message: 'method not allowed' }, { ...cors, Allow: 'GET, HEAD, OPTIONS' });
    return;
  }
  const answer = metadata.at(path);
  const fresh = { ...cors, 'Cache-Control': 'max-age=60' };
  if (answer?.status === 200 && 'page' in answer) sendText(res, 200, answer.page.trimEnd(), fresh);
  else if (answer?.status === 200) sendJson(res, 200, answer.document, fresh);
  else sendJson(res, 503, { message: answer?.message ?? 'not loaded' }, { ...cors, 'Retry-After': 5 });
}
