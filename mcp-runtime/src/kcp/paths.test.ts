import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
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
/** Strings close to what breaks URL building, and any others. */
const hostile = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: fc.constantFrom('.', '/', '%', '2', 'f', ':', '*', '\\', '?', '#', 'a', '\0', '\n', ' ') }),
);

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
      fc.property(fc.oneof(workspaceArbitrary, hostile), (text) => {
        let url: URL;
        try {
          url = new URL(workspacePath(text, '/api/v1'), 'https://kcp');
        } catch (error) {
          expect(error).toBeInstanceOf(InvalidPathError);
          return;
        }
        expect(url.pathname).toBe(`/clusters/${text}/api/v1`);
        expect(url.host).toBe('kcp');
      }),
      { numRuns: 2000 },
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
      fc.property(hostile, hostile, (namespace, name) => {
        let path: string;
        try {
          path = workspacePath(
            'root',
            resourcePath({ group: '', version: 'v1', resource: 'configmaps', namespace, name }),
          );
        } catch (error) {
          expect(error).toBeInstanceOf(InvalidPathError);
          return;
        }
        const { pathname, search, hash } = new URL(path, 'https://kcp');
        const segments = pathname.split('/').map(decodeURIComponent);
        expect(segments).toEqual(['', 'clusters', 'root', 'api', 'v1', 'namespaces', namespace, 'configmaps', name]);
        expect(search + hash).toBe('');
      }),
      { numRuns: 2000 },
    );
  });

  test.each(['', '.', '..', 'a/b', 'a%2fb', 'a\nb', '\ud800', 'x'.repeat(254)])('refuses the name %j', (name) => {
    expect(() => checkName(name, 'name')).toThrow(InvalidPathError);
  });
});
