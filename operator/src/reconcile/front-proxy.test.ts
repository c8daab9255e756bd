import { describe, expect, test } from '@jest/globals';
import type { KcpAuth } from '../api/external.ts';
import type { ObjectKey } from '../kube/index.ts';
import { issuerOf } from './front-proxy.ts';
import type { Run } from './run.ts';
import { Looks } from './watched-objects.ts';

const OIDC = { issuerURL: 'https://auth.example.com/realms/kcp', clientID: 'kcp' };

const object = <Spec>(kind: string, name: string, spec: Spec) => ({
  apiVersion: 'operator.kcp.io/v1alpha1',
  kind,
  metadata: { namespace: 'kcp', name },
  spec,
});

function ask(auth?: KcpAuth, shard?: KcpAuth | null, ref: object = { ref: { name: 'root' } }) {
  const rootShards = {
    look: ({ name }: ObjectKey) =>
      shard === undefined || name !== 'root'
        ? { state: 'absent' }
        : { state: 'present', object: object('RootShard', 'root', shard ? { auth: shard } : {}) },
    answered: () => ({ phase: 'synced' }),
  };
  const run = { caches: { rootShards }, looks: new Looks('a/b') } as unknown as Run;
  return issuerOf(object('FrontProxy', 'front', { rootShard: ref, ...(auth && { auth }) }), run);
}

test('the FrontProxy’s own issuer comes before that of its RootShard', () => {
  expect(ask({ oidc: OIDC }, { oidc: { ...OIDC, clientID: 'other' } })).toEqual({
    issuer: { ...OIDC, from: 'FrontProxy kcp/front' },
  });
  expect(ask({ webhook: {} }, { oidc: OIDC })).toEqual({ issuer: { ...OIDC, from: 'RootShard kcp/root' } });
});

test('the CA’s key has a default', () => {
  const issuer = (caFileRef: object) => ask({ oidc: { ...OIDC, caFileRef } });
  expect(issuer({ name: 'ca' })).toMatchObject({ issuer: { ca: { name: 'ca', key: 'ca.crt' } } });
  expect(issuer({ name: 'ca', key: 'tls.crt' })).toMatchObject({ issuer: { ca: { key: 'tls.crt' } } });
});

describe('nothing to take over', () => {
  test.each<[string, ReturnType<typeof ask>, string, string]>([
    ['no RootShard is named', ask({}, undefined, {}), 'NotInherited', 'names no RootShard'],
    ['the RootShard is missing', ask(), 'NotFound', 'RootShard kcp/root not found: FrontProxy kcp/front names it'],
    [
      'neither has OIDC',
      ask(undefined, null),
      'NotInherited',
      'neither FrontProxy kcp/front nor its RootShard kcp/root',
    ],
    [
      'other ways are told',
      ask({ webhook: {} }, { tokenAuthFile: {} }),
      'NotInherited',
      '(but spec.auth.webhook in FrontProxy kcp/front and spec.auth.tokenAuthFile in RootShard kcp/root)',
    ],
    ['http', ask({ oidc: { ...OIDC, issuerURL: 'http://a.example.com' } }), 'NotInherited', '"http://a.example.com"'],
    ['a query', ask({ oidc: { ...OIDC, issuerURL: 'https://a.example.com?x' } }), 'NotInherited', 'not an https URL'],
    [
      'an issuer that would draw on the terminal',
      ask({ oidc: { ...OIDC, issuerURL: 'https://a.example.com/\u001b[2J' } }),
      'NotInherited',
      'is "https://a.example.com/ [2J"',
    ],
    ['no client id', ask({ oidc: { ...OIDC, clientID: '' } }), 'NotInherited', 'spec.auth.oidc.clientID of FrontProxy'],
    [
      'a CA that can’t exist',
      ask({ oidc: { ...OIDC, caFileRef: { name: '$(x)' } } }),
      'NotInherited',
      'caFileRef.name of FrontProxy kcp/front is "$(x)"',
    ],
    [
      'a key that can’t exist',
      ask({ oidc: { ...OIDC, caFileRef: { name: 'a', key: 'a b' } } }),
      'NotInherited',
      'caFileRef.key',
    ],
  ])('%s', (_, answer, reason, says) => {
    if (!('problem' in answer)) throw new Error('there was something');
    expect(answer.problem).toMatchObject({ kind: 'waiting', reason });
    expect(answer.problem.message).toContain(says);
    if (reason === 'NotInherited') expect(answer.problem.message).toMatch(/Set spec\.auth\.oidc$/);
  });
});
