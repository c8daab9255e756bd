import { expect, test } from '@jest/globals';
import { keysOnly, noKey } from './slim.ts';

const secret = {
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: {
    name: 'kept',
    annotations: { mine: 'x', 'kubectl.kubernetes.io/last-applied-configuration': '{"data":{"tls.key":"c2VjcmV0"}}' },
  },
  data: { 'tls.crt': 'Y2VydA==', 'tls.key': 'c2VjcmV0', empty: '' },
};

test('keysOnly: which keys have a value, and no value', () => {
  expect(keysOnly(secret).data).toEqual({ 'tls.crt': 'set', 'tls.key': 'set', empty: '' });
  expect(JSON.stringify(keysOnly(secret))).not.toContain('c2VjcmV0');
});

test('noKey: the certificate, and that there is a key', () => {
  expect(noKey(secret).data).toEqual({ 'tls.crt': 'Y2VydA==', 'tls.key': 'set', empty: '' });
  expect(noKey(secret).metadata.annotations).toEqual({ mine: 'x' });
  expect(JSON.stringify(noKey(secret))).not.toContain('c2VjcmV0');
  expect(noKey({ ...secret, data: {} }).data).toEqual({});
});
