import { request as rawRequest, type Server } from 'node:http';
import { ProtocolError, ProtocolErrorCode } from '@modelcontextprotocol/server';
import { createFetchJson } from '../auth/fetch-json.ts';
import { createIssuer, type Issuer } from '../auth/issuer.ts';
import { runtimeConfigSchema, type RuntimeConfigInput } from '../config/schema.ts';
import { createApp, type App } from '../http/app.ts';
import { createPublicServer, drainServer, listen } from '../http/listen.ts';
import { createMemo } from '../http/memo.ts';
import { createMetrics, type Metrics } from '../metrics.ts';
import { createFront } from '../http/front.ts';
import type { InputNeeded } from '../interaction.ts';
import { createSeal, loadSealingKey } from '../seal.ts';
import { createMcp } from '../server.ts';
import { createService } from '../service.ts';
import type { CallContext, CallToolResult, ToolDefinition, Toolset } from '../tools/index.ts';
import type { TestIssuer } from './issuer.ts';
import { captureLog } from './log.ts';

/** Calls of the tool `probe` end as the test wants them to. */
export type Probe = (args: unknown, context: CallContext) => Promise<CallToolResult | InputNeeded>;

/** The HTTP side of the runtime on loopback, over a toolset with the one tool `probe`. */
export interface TestApp {
  readonly url: string;
  readonly app: App;
  readonly server: Server;
  readonly issuer: Issuer;
  readonly metrics: Metrics;
  readonly logged: ReturnType<typeof captureLog>;
  probe: Probe;
  /** `POST /mcp` of a JSON-RPC message. */
  post(message: unknown, headers?: Record<string, string>): Promise<Response>;
  close(): Promise<void>;
}

export const TOOL: ToolDefinition = {
  name: 'probe',
  description: 'For tests',
  inputSchema: { type: 'object', properties: { workspace: { type: 'string' } } },
};

/** @param sealingKey what replicas share; by default each has its own. */
export async function startTestApp(
  provider: TestIssuer,
  settings: Partial<RuntimeConfigInput> = {},
  sealingKey?: Uint8Array,
): Promise<TestApp> {
  const config = runtimeConfigSchema.parse({
    kubeconfig: '/unused',
    oauth_audience: 'platform-mesh',
    authorization_url: provider.url,
    oauth_scopes: ['openid', 'groups'],
    server_url: 'https://mcp.example.com',
    bind_address: '127.0.0.1',
    ...settings,
  });
  const logged = captureLog();
  const metrics = createMetrics('test');
  const issuer = createIssuer({
    url: provider.url,
    fetchJson: createFetchJson(provider.caFile),
    log: logged.log,
    backoffMs: { first: 20, longest: 20 },
  });
  const toolset: Toolset = {
    list: () => [TOOL],
    call: (name, args, context) => {
      if (name !== TOOL.name) throw new ProtocolError(ProtocolErrorCode.InvalidParams, `Unknown tool: ${name}`);
      return testApp.probe(args, context);
    },
    complete: (argument, value) => Promise.resolve(argument === 'workspace' ? [`${value}:acme`] : []),
  };
  const service = createService(toolset, config);
  const front = createFront(config, issuer);
  const seal = createSeal([sealingKey ?? (await loadSealingKey(undefined, undefined))]);
  const mcp = await createMcp({
    service: () => service,
    seal: () => seal,
    version: '0.0.0-test',
    log: logged.log,
    metrics,
  });
  const app = createApp({ front: () => front, mcp, memo: createMemo(() => service), log: logged.log, metrics });
  const server = createPublicServer(config, undefined, app);
  const port = await listen(server, 0, '127.0.0.1');

  const testApp: TestApp = {
    url: `http://127.0.0.1:${port}`,
    app,
    server,
    issuer,
    metrics,
    logged,
    probe: () => Promise.resolve({ content: [{ type: 'text', text: 'done' }] }),
    post: (message, headers = {}) =>
      fetch(`${testApp.url}/mcp`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream', ...headers },
        body: typeof message === 'string' ? message : JSON.stringify(message),
      }),
    close: async () => {
      issuer.stop();
      await mcp.close();
      await drainServer(server, app, 0);
    },
  };
  return testApp;
}

/** Sends headers that `fetch` doesn't let through; returns status, headers and body. */
export async function raw(
  app: TestApp,
  path: string,
  {
    method = 'POST',
    headers = {},
    body = '',
  }: { method?: string; headers?: Record<string, string | string[]>; body?: string },
) {
  const { promise, resolve, reject } = Promise.withResolvers<{
    status: number;
    headers: Record<string, string | string[] | undefined>;
    body: string;
  }>();
  const sent = rawRequest(`${app.url}${path}`, { method, headers }, (res) => {
    let text = '';
    res.on('data', (chunk: Buffer) => (text += chunk.toString()));
    res.on('end', () => {
      resolve({ status: res.statusCode ?? 0, headers: res.headers, body: text });
    });
  });
  sent.on('error', reject);
  sent.end(body);
  return promise;
}
