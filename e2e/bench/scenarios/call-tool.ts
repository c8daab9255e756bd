import { readFile } from 'node:fs/promises';
import { Agent, request } from 'undici';
import { mcpRequest } from '../load/messages.ts';
import type { ServerUnderTest } from '../servers/under-test.ts';

/**
 * Calls a tool once and returns its structured content.
 *
 * @throws when it fails
 */
export async function callTool(server: ServerUnderTest, tool: string, token: string): Promise<unknown> {
  const dispatcher = new Agent({ connect: { ca: await readFile(server.caFile) }, allowH2: false });
  try {
    const { path, method, headers, body = '' } = mcpRequest({ method: 'tools/call', tool, token });
    const answer = await request(`${server.origin}${path}`, { method, headers, body, dispatcher });
    const text = await answer.body.text();
    // One JSON object, or one event that holds it.
    const message = JSON.parse(text.replace(/^[^]*?^data: /m, '')) as {
      result?: { isError?: boolean; structuredContent?: unknown };
    };
    if (!message.result || message.result.isError === true)
      throw new Error(`${tool}: ${answer.statusCode} ${text.slice(0, 500)}`);
    return message.result.structuredContent;
  } finally {
    await dispatcher.close();
  }
}
