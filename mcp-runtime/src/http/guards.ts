import type { IncomingMessage } from 'node:http';
import { localhostAllowedHostnames } from '@modelcontextprotocol/server';
import { LOOPBACK } from '../config/auth-mode.ts';
import type { RuntimeConfig } from '../config/schema.ts';

/** An answer given before anybody looks at the request. */
export interface Refusal {
  readonly status: 400 | 403 | 501;
  readonly message: string;
}

/** What stands before the MCP endpoint: against DNS rebinding, foreign web pages and ambiguous requests. */
export interface Guards {
  /** Why the request goes no further; undefined when it may. */
  refuse(req: IncomingMessage): Refusal | undefined;
  /** CORS headers for an accepted request of a browser (Fetch standard, "CORS protocol"); none for others. */
  corsHeaders(req: IncomingMessage): Record<string, string>;
  /** Headers of the answer to a preflight request; needs no token, for browsers never send one with it. */
  preflightHeaders(req: IncomingMessage): Record<string, string>;
}

type GuardConfig = Pick<RuntimeConfig, 'server_url' | 'bind_address' | 'toolset_configs'>;

/** What a browser client must be able to read: the challenge, when to come back and the protocol's own headers. */
const EXPOSED = 'WWW-Authenticate, Retry-After, Mcp-Session-Id, MCP-Protocol-Version, Mcp-Method, Mcp-Name';
const HEADER_NAMES = /^[A-Za-z0-9-]+(\s*,\s*[A-Za-z0-9-]+)*$/;
/** Headers that must come once: of two, a proxy and we might look at different ones. */
const ONCE = ['host', 'authorization', 'origin', 'content-length'] as const;

/** RFC 9110 §7.2: a name, or an address in brackets, and perhaps a port. A URL parser would see a right name in much else. */
const HOST = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:\d{1,5})?$/i;

/** None where nobody signs in. */
const serverUrl = ({ server_url: url }: GuardConfig) => (url === undefined ? [] : [new URL(url)]);

/** The `Host` names accepted: that of `server_url`, `allowed_hosts`, and loopback names when only loopback is served. */
function allowedHosts(config: GuardConfig): string[] {
  const own = [...serverUrl(config).map(({ hostname }) => hostname), ...config.toolset_configs.kcp.allowed_hosts];
  return LOOPBACK.test(config.bind_address) ? [...own, ...localhostAllowedHostnames()] : own;
}

export function createGuards(config: GuardConfig): Guards {
  const hosts = new Set(allowedHosts(config));
  const ownOrigins = serverUrl(config).map(({ origin }) => origin);
  const origins = new Set([...ownOrigins, ...config.toolset_configs.kcp.allowed_origins]);

  const corsHeaders = ({ headers: { origin } }: IncomingMessage): Record<string, string> =>
    origin === undefined
      ? {}
      : { 'Access-Control-Allow-Origin': origin, 'Access-Control-Expose-Headers': EXPOSED, Vary: 'Origin' };

  return {
    refuse(req) {
      const twice = ONCE.find((name) => (req.headersDistinct[name]?.length ?? 0) > 1);
      if (twice !== undefined) return { status: 400, message: `header ${twice} was sent more than once` };
      const { 'transfer-encoding': coding = '' } = req.headers;
      // Chunks inside of another coding, or in HTTP/1.0: a proxy may see the request end elsewhere (RFC 9112 §6.1).
      if (coding !== '' && (coding.toLowerCase() !== 'chunked' || req.httpVersion === '1.0')) {
        return { status: 501, message: 'this Transfer-Encoding is not understood; send the body as it is, or chunked' };
      }
      if (!hosts.has(HOST.exec(req.headers.host ?? '')?.[1]?.toLowerCase() ?? '')) {
        return {
          status: 403,
          message: 'this Host is not served here; it is allowed with toolset_configs.kcp.allowed_hosts',
        };
      }
      if (req.headers.origin !== undefined && !origins.has(req.headers.origin)) {
        return {
          status: 403,
          message: 'this Origin may not call; it is allowed with toolset_configs.kcp.allowed_origins',
        };
      }
      return undefined;
    },
    corsHeaders,
    preflightHeaders(req) {
      const wanted = req.headers['access-control-request-headers'];
      return {
        ...corsHeaders(req),
        Vary: 'Origin, Access-Control-Request-Headers',
        'Access-Control-Allow-Methods': 'GET, POST, DELETE, OPTIONS',
        // Any header may be asked for: MCP clients send headers of their own (Mcp-Param-*), and none of them lends rights.
        'Access-Control-Allow-Headers':
          wanted !== undefined && HEADER_NAMES.test(wanted) ? wanted : 'Authorization, Content-Type',
        'Access-Control-Max-Age': '600',
      };
    },
  };
}
