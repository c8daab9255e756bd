// Bodies that are no JSON, or too much of it, sent with a right token through TLS to the whole runtime.
import { gzipSync } from 'node:zlib';
import { describe, test } from '@jest/globals';
import { CALL } from '../testing/runtime.ts';
import { useHostileBench } from '../testing/hostile.ts';

const bench = useHostileBench();

type Body = string | Uint8Array | object;
const PARSE_ERROR = '"code":-32700';
const METHOD_NOT_FOUND = '"code":-32601';
const TOO_COMPLEX = 'nested too deeply or holds too many values';

const TEXT = JSON.stringify(CALL);
/** The call with other arguments, written as JSON. */
const withArguments = (json: string) => TEXT.replace('{"workspace":"root:acme"}', () => json);

describe('not JSON', () => {
  const invalid = Buffer.from(TEXT.replace('root:acme', 'root:\u00e9'), 'latin1');
  test.each<[string, Body, number, string]>([
    ['nothing', '', 400, PARSE_ERROR],
    ['half of it', TEXT.slice(0, -5), 400, PARSE_ERROR],
    ['something after it', `${TEXT}x`, 400, PARSE_ERROR],
    ['two of them', TEXT + TEXT, 400, PARSE_ERROR],
    ['a comma too many', TEXT.replace('}}}', '},}}'), 400, PARSE_ERROR],
    ['a comment', `/* */${TEXT}`, 400, PARSE_ERROR],
    ['single quotes', TEXT.replaceAll('"', "'"), 400, PARSE_ERROR],
    ['NaN', TEXT.replace('"id":1', '"id":NaN'), 400, PARSE_ERROR],
    ['a control character in a string', TEXT.replace('acme', 'ac\u0001me'), 400, PARSE_ERROR],
    ['a NUL', TEXT.replace('acme', 'ac\0me'), 400, PARSE_ERROR],
    // RFC 8259 §8.1: UTF-8, without a byte order mark.
    ['a byte order mark', `\ufeff${TEXT}`, 400, PARSE_ERROR],
    ['UTF-16', Buffer.from(TEXT, 'utf16le'), 400, PARSE_ERROR],
    ['Latin-1', invalid, 400, PARSE_ERROR],
    ['an overlong slash', Buffer.concat([Buffer.from('["'), Buffer.from([0xc0, 0xaf]), Buffer.from('"]')]), 400, PARSE_ERROR], // prettier-ignore
    ['half of a surrogate pair in UTF-8', Buffer.concat([Buffer.from('["'), Buffer.from([0xed, 0xa0, 0x80]), Buffer.from('"]')]), 400, PARSE_ERROR], // prettier-ignore
    ['gzip that does not say so', gzipSync(TEXT), 400, PARSE_ERROR],
    ['XML', '<?xml version="1.0"?><!DOCTYPE x SYSTEM "file:///etc/passwd"><x/>', 400, PARSE_ERROR],
  ])('%s', async (_, body, status, says) => {
    await bench.expectAnswer(body, status, says);
  });

  test.each([
    ['gzip', gzipSync(TEXT)],
    ['gzip', gzipSync(Buffer.alloc(50 * 1024 * 1024))],
    ['br', Buffer.from(TEXT)],
    ['deflate', Buffer.from(TEXT)],
    ['gzip, identity', gzipSync(TEXT)],
    ['x', Buffer.from(TEXT)],
  ])('Content-Encoding: %s', async (coding, body) => {
    await bench.expectAnswer(body, 415, 'send it without Content-Encoding', { 'content-encoding': coding });
  });

  test.each([
    'text/plain',
    'text/plain; a=application/json',
    'text/json',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/json, text/plain',
    'application/json-seq',
    'application/problem+json',
    '',
  ])('Content-Type: %s', async (type) => {
    await bench.expectAnswer(TEXT, 415, 'Content-Type must be application/json', { 'content-type': type });
  });

  test.each(['', 'text/html', 'application/json', 'text/event-stream'])('Accept: %s', async (accept) => {
    await bench.expectAnswer(TEXT, 406, 'must accept both', { accept });
  });
});

describe('too much of it', () => {
  const nested = (levels: number) => withArguments(`{"workspace":${'['.repeat(levels)}${']'.repeat(levels)}}`);
  test.each<[string, () => Body, number, string]>([
    // The call itself has three levels.
    ['61 levels', () => nested(61), 200, 'expected string, received array'],
    ['62 levels', () => nested(62), 400, TOO_COMPLEX],
    ['100,000 levels', () => nested(100_000), 400, TOO_COMPLEX],
    ['100,000 levels that never close', () => '['.repeat(100_000), 400, TOO_COMPLEX],
    ['100,000 objects in objects', () => '{"a":'.repeat(100_000), 400, TOO_COMPLEX],
    ['200,000 values', () => withArguments(`{"workspace":[${'0,'.repeat(200_000)}0]}`), 400, TOO_COMPLEX],
    ['200,000 keys', () => withArguments(`{${Array.from({ length: 200_000 }, (_, key) => `"${key}":0`).join()}}`), 400, TOO_COMPLEX], // prettier-ignore
    ['50,000 keys that no tool takes', () => withArguments(`{${Array.from({ length: 50_000 }, (_, key) => `"k${key}":0`).join()}}`), 200, 'Unrecognized keys'], // prettier-ignore
    ['a key of 1 MB', () => withArguments(`{"${'k'.repeat(1e6)}":1}`), 200, 'Unrecognized key'],
    [
      'a workspace of 3 MB',
      () => withArguments(`{"workspace":"${'a'.repeat(3e6)}"}`),
      200,
      'longer than 512 characters',
    ],
    [
      'a selector of 3 MB',
      () => withArguments(`{"fieldSelector":"${'a'.repeat(3e6)}"}`),
      200,
      'fieldSelector: Too big',
    ],
    ['a continue token of 3 MB', () => withArguments(`{"continue":"${'a'.repeat(3e6)}"}`), 200, 'continue: Too big'],
    ['a tool name of 1 MB', () => ({ ...CALL, params: { name: 'n'.repeat(1e6) } }), 200, 'Unknown tool: nnn'],
    ['a method of 1 MB', () => ({ ...CALL, method: 'm'.repeat(1e6) }), 200, METHOD_NOT_FOUND],
    ['5 MB', () => withArguments(`{"workspace":"${'a'.repeat(5e6)}"}`), 413, 'larger than 4194304 bytes'],
    ['a number of 1 MB', () => withArguments(`{"limit":${'9'.repeat(1e6)}}`), 200, 'limit: Invalid input'],
    ['a number beyond all', () => withArguments('{"limit":1e999}'), 200, 'limit: Invalid input'],
    ['a number of many digits', () => withArguments('{"limit":1.00000000000000000001}'), 200, 'kube-system'],
  ])('%s', async (_, body, status, says) => {
    if (says === 'kube-system') bench.letThrough();
    await bench.expectAnswer(body(), status, says);
  });
});
