import { Writable } from 'node:stream';
import { expect, test } from '@jest/globals';
import { createLogger } from './logger.ts';

function collect(): { stream: Writable; lines: () => Record<string, unknown>[] } {
  let text = '';
  const stream = new Writable({
    write(chunk, _, done) {
      text += String(chunk);
      done();
    },
  });
  const lines = () =>
    text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  return { stream, lines };
}

test('writes one JSON object a line, from the level on, with texts of others made safe', () => {
  const { stream, lines } = collect();
  const logger = createLogger('info', stream);
  logger.debug('not shown');
  logger.warn('Ready changed', { server: 'a/b', message2: 'x\n\u001b[2Jy', count: 3 });
  expect(lines()).toEqual([
    {
      level: 'warn',
      message: 'Ready changed',
      server: 'a/b',
      message2: 'x [2Jy',
      count: 3,
      timestamp: expect.stringMatching(/^\d{4}-.*Z$/),
    },
  ]);
});

test('a field called message does not swallow the message', () => {
  const { stream, lines } = collect();
  createLogger('info', stream).info('Ready changed', { message: 'the endpoint is up' });
  expect(String(lines()[0]?.['message'])).toContain('Ready changed');
});
