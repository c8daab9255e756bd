import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { toNodeHandler } from '@modelcontextprotocol/node';
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server';
import { clients, connectMcp, eras, type ClientKind } from './connect.ts';

let server: HttpServer;
let mcpURL: string;
let authorizations: (string | undefined)[] = [];

beforeAll(async () => {
  const handler = toNodeHandler(
    createMcpHandler(
      (context) => {
        const mcp = new McpServer({ name: 'fake', version: '1.0.0' }, { instructions: 'be kind' });
        mcp.registerTool('era', { description: 'tells the era' }, () => ({
          content: [{ type: 'text', text: context.era }],
        }));
        mcp.registerTool('broken', {}, () => ({
          isError: true,
          content: [{ type: 'text', text: 'no such workspace' }],
        }));
        return mcp;
      },
      { legacy: 'stateless' },
    ),
  );
  server = createServer((request, response) => {
    authorizations.push(request.headers.authorization);
    void handler(request as Parameters<typeof handler>[0], response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  mcpURL = `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`;
});

afterAll(() => {
  server.closeAllConnections();
  server.close();
});

test.each(Object.entries(clients) as [ClientKind, string][])('client %s settles on %s', async (client, era) => {
  const connected = await connectMcp({ mcpURL, client });
  expect(connected.era).toBe(era);
  await connected.close();
});

describe.each(eras)('a client of %s', (era) => {
  test('speaks that era, with the token on every request', async () => {
    authorizations = [];
    const client = await connectMcp({ mcpURL, era, accessToken: 'the-token' });
    expect(client).toMatchObject({ era, serverName: 'fake', instructions: 'be kind' });
    expect((await client.listTools()).map((tool) => tool.name)).toEqual(['era', 'broken']);
    expect((await client.callTool('era')).text).toBe(era === '2026-07-28' ? 'modern' : 'legacy');
    await client.close();
    expect(new Set(authorizations)).toEqual(new Set(['Bearer the-token']));
  });

  test('passes a tool’s failure on as a result', async () => {
    const client = await connectMcp({ mcpURL, era });
    expect(await client.callTool('broken')).toMatchObject({ isError: true, text: 'no such workspace' });
    await client.close();
  });
});
