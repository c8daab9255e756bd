import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { hostileText } from '../testing/arbitraries.ts';
import { dispatchOptions } from './request.ts';

const { signal } = new AbortController();
const callers = { basePath: '', identity: undefined };
const base = { workspace: 'root:acme', path: '/api/v1/configmaps', token: 'the-callers' };

describe('dispatchOptions', () => {
  test('what kcp reads of a query is what was given, and nothing else', () => {
    const text = hostileText.filter((value) => value.isWellFormed());
    const query = fc.record(
      { labelSelector: text, fieldSelector: text, continue: text, limit: fc.nat(500) },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(query, (given) => {
        const { path } = dispatchOptions({ ...base, query: given }, signal, callers);
        const url = new URL(path, 'https://kcp');
        expect(url.pathname).toBe('/clusters/root:acme/api/v1/configmaps');
        expect(url.hash).toBe('');
        const read = Array.from(url.searchParams).toSorted();
        expect(read).toEqual(
          Object.entries(given)
            .map(([key, value]) => [key, String(value)])
            .toSorted(),
        );
        // undici and HTTP take visible ASCII only.
        expect(path).toMatch(/^[!-~]+$/);
      }),
      { numRuns: 1000 },
    );
  });

  test.each([
    ['the caller’s, where this server has no identity', undefined, { authorization: 'Bearer the-callers' }],
    ['that of this server’s token', { name: 'own', token: 'own' }, { authorization: 'Bearer own' }],
    ['none with a client certificate', { name: 'own', certificate: { cert: '', key: '' } }, {}],
  ])('the only Authorization is %s', (_, identity, wanted) => {
    const asked = { ...base, headers: { authorization: 'Bearer other', accept: 'x' } };
    const { headers } = dispatchOptions(asked, signal, { basePath: '', identity });
    expect(headers).toEqual({ ...wanted, accept: 'x', 'user-agent': 'kcp-mcp-runtime' });
  });
});
