import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { hostileText } from '../testing/arbitraries.ts';
import {
  InvalidPathError,
  checkName,
  formatApiVersion,
  groupVersionPath,
  parseApiVersion,
  parseWorkspace,
  resourcePath,
  splitWorkspace,
  workspacePath,
} from './paths.ts';

const segment = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?$/);
const workspaceArbitrary = fc
  .array(segment, { minLength: 1, maxLength: 6 })
  .filter(([first]) => first !== 'system')
  .map((segments) => segments.join(':'));
const RUNS = { numRuns: 2000 };

/** The segments that a server sees after decoding, or undefined where the text was refused. Nothing else comes of any text. */
function segmentsOf(build: () => string): string[] | undefined {
  let path: string;
  try {
    path = build();
  } catch (error) {
    expect(error).toBeInstanceOf(InvalidPathError);
    return undefined;
  }
  const { pathname, search, hash, host } = new URL(path, 'https://kcp');
  // Neither what RFC 3986 removes (dots) nor what WHATWG adds (encoding) is in it: every reader reads the same.
  expect(pathname).toBe(path);
  expect([search, hash, host]).toEqual(['', '', 'kcp']);
  return pathname.split('/').map(decodeURIComponent);
}

describe('parseWorkspace', () => {
  test.each(['root', 'root:acme', 'root:acme:team-a', '33li30yc136z2lca', 'user:ab:cd:home'])('accepts %s', (text) => {
    expect(parseWorkspace(text)).toBe(text);
  });

  test.each([
    ['', 'empty'],
    ['*', 'all workspaces'],
    ['system:admin', "kcp's own"],
    ['system', "kcp's own"],
    ['root/acme', 'separated by ":"'],
    ['Root', 'lower-case'],
    ['root::acme', 'is empty'],
    ['root:', 'is empty'],
    ['..', 'not valid'],
    ['root:..', 'not valid'],
    ['root%2facme', 'not valid'],
    ['root%3Aacme', 'not valid'],
    ['root:*', 'not valid'],
    ['root acme', 'not valid'],
    ['root\n', 'not valid'],
    ['ro\u202eot', 'not valid'],
    ['-root', 'not valid'],
    [`root:${'a'.repeat(64)}`, 'not valid'],
    [`root${':a'.repeat(300)}`, 'longer than'],
  ])('refuses %j and says why', (text, why) => {
    expect(() => parseWorkspace(text)).toThrow(why);
    expect(() => parseWorkspace(text)).toThrow(InvalidPathError);
  });

  test('a message about a long text stays short', () => {
    expect(() => parseWorkspace('/'.repeat(500))).toThrow(/^.{0,300}$/);
  });

  test('what it accepts stays one path segment of the URL', () => {
    fc.assert(
      fc.property(fc.oneof(workspaceArbitrary, hostileText), (text) => {
        const segments = segmentsOf(() => workspacePath(text, '/api/v1'));
        if (segments !== undefined) expect(segments).toEqual(['', 'clusters', text, 'api', 'v1']);
      }),
      RUNS,
    );
  });

  test('what it accepts is in its one form: decoding, Unicode normalisation and case mapping leave it alone', () => {
    fc.assert(
      fc.property(fc.oneof(workspaceArbitrary, hostileText), (text) => {
        if (segmentsOf(() => workspacePath(text, '')) === undefined) return;
        expect(parseWorkspace(parseWorkspace(text))).toBe(text);
        expect(decodeURIComponent(text)).toBe(text);
        for (const form of ['NFC', 'NFD', 'NFKC', 'NFKD']) expect(text.normalize(form)).toBe(text);
        expect(text.toLowerCase()).toBe(text);
        expect(text).not.toMatch(/^(\*|system(:|$))|\.\.|[^a-z0-9:-]/);
      }),
      RUNS,
    );
  });

  test('another way to write a right one is not that one', () => {
    const writings: ((text: string) => string)[] = [
      (text) => text.toUpperCase(),
      (text) => text.replace('r', '\uff52'),
      (text) => text.replaceAll(':', '%3A'),
      (text) => text.replaceAll(':', '/'),
      (text) => `${text}:`,
      (text) => `:${text}`,
      (text) => ` ${text}`,
      (text) => `${text}\n`,
      (text) => `${text}/.`,
      (text) => `${text}:..`,
      (text) => `${text}\0`,
      (text) => `${text}?x`,
      (text) => encodeURIComponent(`${text}:a`),
      (text) => `x/../${text}`,
    ];
    fc.assert(
      fc.property(workspaceArbitrary, fc.constantFrom(...writings), (text, write) => {
        const workspace = `root:${text}`;
        if (write(workspace) !== workspace) expect(() => parseWorkspace(write(workspace))).toThrow(InvalidPathError);
      }),
    );
  });

  test('a path splits into parent and name', () => {
    fc.assert(
      fc.property(workspaceArbitrary, segment, (parent, name) => {
        expect(splitWorkspace(`${parent}:${name}`)).toEqual({ parent, name });
      }),
    );
    expect(splitWorkspace('root')).toBeUndefined();
  });
});

describe('parseApiVersion', () => {
  test.each(['v1', 'apps/v1', 'rbac.authorization.k8s.io/v1', 'tenancy.kcp.io/v1alpha1'])('%s', (text) => {
    expect(formatApiVersion(parseApiVersion(text))).toBe(text);
  });

  test.each([
    '',
    '/',
    '/v1',
    'apps/',
    'a/b/c',
    '../v1',
    'apps/..',
    'a..b/v1',
    'apps/v1/deployments',
    'Apps/v1',
    'v1?x',
  ])('refuses %j', (text) => {
    expect(() => parseApiVersion(text)).toThrow(InvalidPathError);
  });

  test('what it accepts is written as it was read, and stays one or two path segments', () => {
    const word = fc.oneof(segment, hostileText, fc.constantFrom('apps', 'v1', 'rbac.authorization.k8s.io'));
    fc.assert(
      fc.property(
        fc.oneof(
          word,
          fc.tuple(word, word).map((parts) => parts.join('/')),
        ),
        (text) => {
          const segments = segmentsOf(() => groupVersionPath(parseApiVersion(text)));
          if (segments === undefined) return;
          expect(segments).toEqual(['', text.includes('/') ? 'apis' : 'api', ...text.split('/')]);
          expect(formatApiVersion(parseApiVersion(text))).toBe(text);
          expect(text).toMatch(/^[a-z0-9./-]+$/);
        },
      ),
      RUNS,
    );
  });

  test('paths', () => {
    expect(groupVersionPath(parseApiVersion('v1'))).toBe('/api/v1');
    expect(groupVersionPath(parseApiVersion('apps/v1'))).toBe('/apis/apps/v1');
  });
});

describe('resourcePath', () => {
  test('objects with and without namespaces', () => {
    expect(resourcePath({ group: '', version: 'v1', resource: 'secrets', namespace: 'default', name: 'db' })).toBe(
      '/api/v1/namespaces/default/secrets/db',
    );
    expect(
      resourcePath({ group: 'rbac.authorization.k8s.io', version: 'v1', resource: 'clusterroles', name: 'system:x' }),
    ).toBe('/apis/rbac.authorization.k8s.io/v1/clusterroles/system%3Ax');
  });

  test('whatever the names are, they stay the segments they are meant to be', () => {
    fc.assert(
      fc.property(hostileText, hostileText, hostileText, (namespace, name, resource) => {
        const target = { group: '', version: 'v1', resource, namespace, name };
        const segments = segmentsOf(() => workspacePath('root', resourcePath(target)));
        if (segments === undefined) return;
        expect(segments).toEqual(['', 'clusters', 'root', 'api', 'v1', 'namespaces', namespace, resource, name]);
      }),
      RUNS,
    );
  });

  test.each(['', '.', '..', 'a/b', 'a%2fb', 'a\nb', '\ud800', 'x'.repeat(254)])('refuses the name %j', (name) => {
    expect(() => checkName(name, 'name')).toThrow(InvalidPathError);
  });
});
