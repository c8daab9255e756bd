import { describe, expect, test } from '@jest/globals';
import { shardsOf } from './index-shards.ts';

const slice = (...urls: string[]) => ({ status: { endpoints: urls.map((url) => ({ url })) } });
const refused = (url: string) => shardsOf(slice(url)).refused.length > 0;

describe('shardsOf', () => {
  test('one collection for each endpoint, below the virtual workspace that it names', () => {
    const shards = shardsOf(
      slice(
        'https://kcp.example.com:6443/services/apiexport/root/tenancy.kcp.io',
        'https://10.0.0.1/shards/two/services/apiexport/1pfxsevk/tenancy.kcp.io/',
      ),
    );
    expect([...shards.collections.values()]).toEqual([
      {
        origin: 'https://kcp.example.com:6443',
        path: '/services/apiexport/root/tenancy.kcp.io/clusters/*/apis/tenancy.kcp.io/v1alpha1/workspaces',
      },
      {
        origin: 'https://10.0.0.1',
        path: '/shards/two/services/apiexport/1pfxsevk/tenancy.kcp.io/clusters/*/apis/tenancy.kcp.io/v1alpha1/workspaces',
      },
    ]);
    expect(shards.refused).toEqual([]);
  });

  test.each([
    'http://kcp.example.com/services/apiexport/root/tenancy.kcp.io',
    'https://user:pw@kcp.example.com/services/apiexport/root/tenancy.kcp.io',
    'https://kcp.example.com/services/apiexport/root/other.kcp.io',
    'https://kcp.example.com/services/apiexport/root/tenancy.kcp.io/../../../../api',
    'https://kcp.example.com/services/apiexport/root/tenancy.kcp.io?x=1',
    'https://kcp.example.com/api/v1/secrets#/services/apiexport/root/tenancy.kcp.io',
    'https://kcp.example.com/services/apiexport/%2e%2e/tenancy.kcp.io',
    '/services/apiexport/root/tenancy.kcp.io',
    '',
  ])('the identity is not sent to %j', (url) => {
    expect(refused(url)).toBe(true);
  });

  test('is bounded', () => {
    const urls = Array.from({ length: 70 }, (_, n) => `https://s${n}/services/apiexport/root/tenancy.kcp.io`);
    expect(shardsOf(slice(...urls)).collections.size).toBe(64);
    expect(shardsOf(slice(...urls)).refused).toHaveLength(6);
  });

  test('what is no slice has none', () => {
    expect(shardsOf(null)).toEqual({ collections: new Map(), refused: [] });
    expect(shardsOf({ status: { endpoints: 'x' } }).collections.size).toBe(0);
  });
});
