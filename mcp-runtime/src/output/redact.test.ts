import { gzipSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { REDACTED, presentable, redactTokens } from './redact.ts';

const PASSWORD = 'correct-horse';
const ENCODED = Buffer.from(PASSWORD).toString('base64');

function secret(fields: object = {}): Record<string, unknown> {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'db', managedFields: [{ manager: 'kubectl' }] },
    type: 'Opaque',
    data: { password: ENCODED, empty: '' },
    ...fields,
  };
}

function text(value: unknown): string {
  return JSON.stringify(value);
}

describe('presentable', () => {
  test('values of Secrets go, keys stay', () => {
    expect(presentable(secret({ stringData: { user: PASSWORD } }))).toEqual({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'db' },
      type: 'Opaque',
      data: { password: REDACTED, empty: REDACTED },
      stringData: { user: REDACTED },
    });
  });

  test('data of an unexpected shape goes as a whole', () => {
    expect(presentable(secret({ data: ENCODED, stringData: [PASSWORD] }))).toMatchObject({
      data: REDACTED,
      stringData: REDACTED,
    });
  });

  test('a list item, which does not say its kind, is known by what was asked for', () => {
    const { kind: _, apiVersion: __, ...item } = secret();
    expect(text(presentable([item], 'Secret'))).not.toContain(ENCODED);
    expect(text(presentable({ kind: 'SecretList', items: [item] }))).not.toContain(ENCODED);
  });

  test('a Secret inside of another kind', () => {
    const template = { kind: 'Template', objects: [{ spec: { manifest: secret() } }] };
    expect(text(presentable(template))).not.toContain(ENCODED);
    expect(text(presentable({ kind: 'List', items: [secret()] }))).not.toContain(ENCODED);
  });

  test.each([
    ['kubectl.kubernetes.io/last-applied-configuration', text(secret())],
    ['kapp.k14s.io/original', text(secret())],
    ['example.com/copy', `password is ${PASSWORD}`],
    ['example.com/encoded', ENCODED],
    ['example.com/many-lines', 'a\nb'],
    ['objectset.rio.cattle.io/applied', gzipSync(text(secret())).toString('base64')],
    ['example.com/applied', Buffer.from(text(secret())).toString('base64url')],
    ['something.kubernetes.io/new', 'anything'],
  ])('the annotation %s of a Secret', (key, value) => {
    const shown = presentable(secret({ metadata: { name: 'db', annotations: { [key]: value } } }));
    expect(shown).toMatchObject({ metadata: { annotations: { [key]: REDACTED } } });
    expect(text(shown)).not.toContain(PASSWORD);
    expect(text(shown)).not.toContain(ENCODED);
  });

  test('annotations that only name something stay', () => {
    const annotations = {
      'kubernetes.io/service-account.name': 'builder',
      'meta.helm.sh/release-name': 'db',
      'kcp.io/cluster': '33li30yc136z2lca',
      'cert-manager.io/alt-names': 'mcp.vespucci.example.com,a-long-name-in-the-cluster.kcp-mcp.svc.cluster.local',
    };
    expect(presentable(secret({ metadata: { annotations } }))).toMatchObject({ metadata: { annotations } });
  });

  test('managedFields and last-applied configuration go from every kind, all else stays', () => {
    const object = {
      kind: 'ConfigMap',
      metadata: {
        name: 'a',
        managedFields: [],
        annotations: { 'kubectl.kubernetes.io/last-applied-configuration': '{}' },
        labels: { a: 'b' },
      },
      data: { key: 'value', managedFields: 'mine' },
    };
    expect(presentable(object)).toEqual({
      kind: 'ConfigMap',
      metadata: { name: 'a', labels: { a: 'b' } },
      data: { key: 'value', managedFields: 'mine' },
    });
  });

  test('wherever a Secret stands and whatever its keys are, its values are not shown', () => {
    const value = fc.integer({ min: 1e9 }).map((digits) => `s3cr3t-${digits}`);
    const wrap = fc.array(fc.constantFrom('items', 'spec', 'data', 'metadata', 'list', 'stringData', 'annotations'));
    fc.assert(
      fc.property(value, fc.string(), wrap, (password, key, path) => {
        const encoded = Buffer.from(password).toString('base64');
        let object: unknown = {
          kind: 'Secret',
          metadata: { annotations: { a: password, b: `x${encoded}` } },
          data: Object.fromEntries([[key, encoded]]),
          stringData: Object.fromEntries([[key, password]]),
        };
        for (const step of path) object = step === 'list' ? [object] : { kind: 'Other', [step]: object };
        const shown = text(presentable(object));
        expect(shown).not.toContain(password);
        expect(shown).not.toContain(encoded);
      }),
    );
  });

  test('keys such as __proto__ are plain fields', () => {
    const shown = presentable(JSON.parse('{"kind":"ConfigMap","data":{"__proto__":{"a":1}}}'));
    expect(text(shown)).toBe('{"kind":"ConfigMap","data":{"__proto__":{"a":1}}}');
  });
});

describe('redactTokens', () => {
  test.each([
    'Bearer abc.def',
    'authorization: abc',
    'authorization: Bearer abc',
    'token eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln end',
  ])('%s', (message) => {
    const shown = redactTokens(message);
    expect(shown).toContain(REDACTED);
    expect(shown).not.toMatch(/abc|eyJ/);
  });

  test('leaves other text alone', () => {
    const message = 'namespaces is forbidden: User "alice@example.com" cannot list';
    expect(redactTokens(message)).toBe(message);
  });
});
