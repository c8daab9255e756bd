import { describe, expect, test } from '@jest/globals';
import { requestInfo } from './request-info.ts';
import { forbidden } from './status.ts';

function infoOf(method: string, url: string) {
  const { pathname, searchParams } = new URL(url, 'https://kcp');
  return requestInfo(method, pathname, searchParams);
}

describe('a request is read as kube-apiserver reads it:', () => {
  test.each([
    ['GET', '/api/v1/namespaces', { verb: 'list', resource: 'namespaces', namespace: '', name: '' }],
    ['GET', '/api/v1/namespaces/x', { verb: 'get', resource: 'namespaces', namespace: 'x', name: 'x' }],
    ['PUT', '/api/v1/namespaces/x/finalize', { verb: 'update', resource: 'namespaces', subresource: 'finalize' }],
    ['GET', '/api/v1/namespaces/x/secrets', { verb: 'list', resource: 'secrets', namespace: 'x' }],
    ['GET', '/api/v1/namespaces/x/pods/p/log', { verb: 'get', resource: 'pods', name: 'p', subresource: 'log' }],
    ['GET', '/api/v1/secrets?watch=true', { verb: 'watch', resource: 'secrets', namespace: '' }],
    ['GET', '/api/v1/watch/secrets', { verb: 'watch', resource: 'secrets' }],
    ['GET', '/api/v1/secrets?fieldSelector=metadata.name=s', { verb: 'list', name: 's' }],
    ['DELETE', '/apis/apps/v1/namespaces/x/deployments', { verb: 'deletecollection', group: 'apps' }],
    ['DELETE', '/apis/apps/v1/namespaces/x/deployments/d', { verb: 'delete', group: 'apps', version: 'v1', name: 'd' }],
    ['POST', '/apis/tenancy.kcp.io/v1alpha1/workspaces', { verb: 'create', group: 'tenancy.kcp.io' }],
    ['PATCH', '/apis/tenancy.kcp.io/v1alpha1/workspaces/w/status', { verb: 'patch', name: 'w', subresource: 'status' }],
  ])('%s %s', (method, url, expected) => {
    expect(infoOf(method, url)).toMatchObject({ isResource: true, ...expected });
  });

  test.each(['/', '/version', '/api', '/api/v1', '/apis', '/apis/apps', '/apis/apps/v1', '/openapi/v3/apis/apps/v1'])(
    '%s is no resource',
    (path) => {
      expect(infoOf('GET', path)).toMatchObject({ isResource: false, verb: 'get', path });
    },
  );
});

describe('a refusal says', () => {
  test('who can’t do what to which object where', () => {
    const status = forbidden('eve', infoOf('GET', '/api/v1/namespaces/x/pods/p/log'));
    expect(status).toMatchObject({
      message: 'pods "p" is forbidden: User "eve" cannot get resource "pods/log" in API group "" in the namespace "x": access denied',
      details: { name: 'p', kind: 'pods' },
    }); // prettier-ignore
    expect(status.details).not.toHaveProperty('group');
  });

  test('which path is closed', () => {
    expect(forbidden('eve', infoOf('GET', '/version'))).toMatchObject({
      message: 'forbidden: User "eve" cannot get path "/version": access denied',
      details: {},
      code: 403,
    });
  });
});
