import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { BodyError, createBodyReader } from './body.ts';

let close: (() => void) | undefined;
afterEach(() => close?.());

/** A server that answers with what it read, or with the status of the error. */
async function start(maxBytes: number, hold?: () => Promise<void>): Promise<(body: string) => Promise<Response>> {
  const bodies = createBodyReader(maxBytes);
  const answer = async (req: IncomingMessage, res: ServerResponse) => {
    try {
      const body = await bodies.read(req, res);
      await hold?.();
      res.end(JSON.stringify({ body }));
    } catch (error) {
      res.writeHead(error instanceof BodyError ? error.status : 500, { connection: 'close' }).end();
    }
  };
  const server = createServer((req, res) => void answer(req, res));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  close = () => {
    server.close();
    server.closeAllConnections();
  };
  const { port } = server.address() as AddressInfo;
  return (body) => fetch(`http://127.0.0.1:${port}`, { method: 'POST', body });
}

test('JSON is parsed; what is not JSON is undefined', async () => {
  const post = await start(1_000);
  expect(await (await post('{"a":"[{\\"\\\\"}')).json()).toEqual({ body: { a: '[{"\\' } });
  expect(await (await post('{"a"')).json()).toEqual({});
});

describe('bounds', () => {
  test.each([
    ['deep nesting', `${'['.repeat(65)}${']'.repeat(65)}`, 400],
    ['deep nesting after a string that ends in a backslash', `["\\\\",${'['.repeat(65)}${']'.repeat(65)}]`, 400],
    ['many values', `[${'0,'.repeat(100_001)}0]`, 400],
    ['many objects', `[${Array.from({ length: 100_001 }, () => '{}').join('')}]`, 400],
    ['nesting at the bound', `${'['.repeat(64)}${']'.repeat(64)}`, 200],
    ['brackets in a string', JSON.stringify('[{,'.repeat(100_000)), 200],
    ['too many bytes', JSON.stringify('x'.repeat(1_000_000)), 413],
  ])('%s', async (_, body, status) => {
    const post = await start(1_000_000);
    expect((await post(body)).status).toBe(status);
  });

  test('hold for all requests together, until they are answered', async () => {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    let held = 0;
    const { promise: all, resolve: allHeld } = Promise.withResolvers<undefined>();
    const post = await start(4 * 1024 * 1024, async () => {
      if (++held === 2) allHeld(undefined);
      await promise;
    });
    const large = JSON.stringify('x'.repeat(3.9 * 1024 * 1024));
    const first = [post(large), post(large)];
    await all;
    expect((await post(large)).status).toBe(503);
    expect(held).toBe(2);
    resolve(undefined);
    for (const answer of await Promise.all(first)) {
      expect(answer.status).toBe(200);
      await answer.text();
    }
    expect((await post(large)).status).toBe(200);
  });
});
