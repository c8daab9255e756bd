import { describe, expect, test } from '@jest/globals';
import type { Dispatcher } from 'undici';
import { KcpBusyError, KcpTooLargeError } from './errors.ts';
import { readAnswer } from './response.ts';

const context = { host: 'kcp:6443', workspace: 'root', path: '/', target: undefined };

function response(body: AsyncIterable<Buffer>): Dispatcher.ResponseData {
  return { statusCode: 200, headers: {}, body } as unknown as Dispatcher.ResponseData;
}

async function* chunks(...parts: (string | Promise<unknown>)[]) {
  for (const part of parts) {
    if (typeof part === 'string') yield Buffer.from(part);
    else await part;
  }
}

describe('readAnswer', () => {
  test('a character cut in two by the network is whole again', async () => {
    const [first, second] = [Buffer.from('{"a":"ä"}').subarray(0, 7), Buffer.from('{"a":"ä"}').subarray(7)];
    const body = (async function* () {
      await Promise.resolve();
      yield first;
      yield second;
    })();
    expect(await readAnswer(response(body), context, 100, { bytes: 100 })).toEqual({ a: 'ä' });
  });

  test('answers being read at the same time share one budget; what goes beyond is refused, and room comes back', async () => {
    const budget = { bytes: 20 };
    const hold = Promise.withResolvers<undefined>();
    const slow = readAnswer(response(chunks('"123456789', hold.promise, '"')), context, 100, budget);
    await expect(readAnswer(response(chunks('"123456789', '12"')), context, 100, budget)).rejects.toThrow(KcpBusyError);
    await expect(readAnswer(response(chunks('"12345678"')), context, 100, budget)).resolves.toBe('12345678');
    hold.resolve(undefined);
    expect(await slow).toBe('123456789');
    expect(budget.bytes).toBe(20);
  });

  test.each([
    ['values', `[${'[],'.repeat(300_000)}[]]`],
    ['levels', `${'['.repeat(257)}${']'.repeat(257)}`],
  ])('what would take the heap when parsed is refused before: too many %s', async (_, text) => {
    const budget = { bytes: 1e7 };
    await expect(readAnswer(response(chunks(text)), context, 1e7, budget)).rejects.toThrow(KcpTooLargeError);
    expect(budget.bytes).toBe(1e7);
  });
});
