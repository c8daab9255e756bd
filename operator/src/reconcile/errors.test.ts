import { describe, expect, test } from '@jest/globals';
import { ApiError, ForeignObjectError } from '../kube/index.ts';
import { isPassing, longestDelayMs, problemOf, RetryError } from './errors.ts';
import { oneLine } from './text.ts';

const apiError = (status: number, reason: string, message = 'PATCH failed') =>
  new ApiError({ status, reason, message });

const unanswered = apiError(
  500,
  'InternalError',
  'Internal error occurred: failed calling webhook "a.example.com": failed to call webhook: Post "https://a.b.svc:443/": read tcp 10.0.0.1:54321->10.0.0.2:443: i/o timeout',
);

describe('problemOf', () => {
  test.each([
    ['a foreign object', new ForeignObjectError('Service', 'a/b'), 'terminal', 'Conflict'],
    ['an invalid object', apiError(422, 'Invalid'), 'terminal', 'Rejected'],
    ['a refusal by RBAC, quota or a webhook', apiError(403, 'Forbidden'), 'transient', 'Rejected'],
    [
      'a refusal by a webhook that calls it a bad request',
      apiError(
        400,
        'BadRequest',
        'admission webhook "validate.example.com" denied the request: host is defined already',
      ),
      'transient',
      'Rejected',
    ],
    [
      'a refusal by a policy',
      apiError(422, 'Invalid', "ValidatingAdmissionPolicy 'a' with binding 'b' denied request: no"),
      'transient',
      'Rejected',
    ],
    ['a webhook that does not answer', unanswered, 'transient', 'Rejected'],
    ['an unreachable API server', apiError(0, 'Network'), 'transient', 'RetryingAfterError'],
    ['anything else', new TypeError('x is undefined'), 'transient', 'RetryingAfterError'],
  ])('%s', (_, error, kind, reason) => {
    const problem = problemOf(error, 'Service a/b');
    expect(problem).toMatchObject({ kind, reason });
    expect(problem.message).toContain('Service a/b');
  });
});

test('a webhook that does not answer is named, without what changes from call to call', () => {
  expect(problemOf(unanswered, 'Service a/b').message).toContain('webhook "a.example.com" does not answer');
  expect(problemOf(unanswered, 'Service a/b').message).not.toContain('54321');
});

test('isPassing: races and the way to the API server, nothing that somebody must mend', () => {
  expect(
    [apiError(409, 'Conflict'), apiError(0, 'Network'), apiError(503, 'ServiceUnavailable')].every(isPassing),
  ).toBe(true);
  expect([apiError(422, 'Invalid'), apiError(403, 'Forbidden'), unanswered, new TypeError('bug')].some(isPassing)).toBe(
    false,
  );
});

test.each([
  ['the API server is away', new RetryError('x', { cause: apiError(0, 'Network') }), 2_000],
  ['the API server is away, without a word in the status', apiError(0, 'Timeout'), 2_000],
  ['etcd is away', new RetryError('x', { cause: apiError(500, 'InternalError') }), 30_000],
  ['a write that a Role, a quota or a webhook stands in the way of', new RetryError('Secret a/b was refused'), 30_000],
  ['a fault of ours', new RetryError('x', { cause: new TypeError('bug') }), undefined],
])('longestDelayMs: %s', (_, error, longest) => {
  expect(longestDelayMs(error)).toBe(longest);
});

describe('oneLine', () => {
  test('leaves nothing that moves the cursor or reorders the line', () => {
    expect(oneLine('a\n\u001b[31mb\u202Ec\u200B d\u2028e')).toBe('a [31mb c d e');
  });
  test('is bounded', () => {
    expect(oneLine('x'.repeat(1000), 10)).toBe('xxxxxxxxx…');
    expect(oneLine(undefined)).toBe('');
  });
  test('cuts no character in half', () => {
    expect(oneLine('ab😀cdef', 4)).toBe('ab…');
    expect(oneLine('ab😀cdef', 5)).toBe('ab😀…');
  });
});
