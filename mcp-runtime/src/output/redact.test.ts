import { gzipSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { hostileJson, hostileText } from '../testing/arbitraries.ts';
import { REDACTED, presentable, redactTokens } from './redact.ts';
import { fromObjects, renderTable } from './table.ts';
import { stripInvisible, toolResult } from './text.ts';
import { toYaml } from './yaml.ts';

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

  describe('no value of a Secret is shown', () => {
    const value = fc
      .tuple(hostileText, fc.integer({ min: 1e9 }), hostileText)
      .map(([a, digits, b]) => `${a}s3cr3t-${digits}${b}`);
    const wrap = fc.array(fc.constantFrom('items', 'spec', 'data', 'metadata', 'list', 'stringData', 'annotations'));
    const base64 = (text: string) => Buffer.from(text).toString('base64');
    /** How tools and people write a value somewhere else. */
    const copies: ((text: string) => string)[] = [
      (text) => text,
      (text) => text.trim(),
      (text) => `password is ${text} for now`,
      (text) => Array.from(text).join('\u200b'),
      (text) => `\u202e${text}\u2060`,
      (text) => base64(text),
      (text) => base64(text).replace(/=+$/, ''),
      (text) => Buffer.from(text).toString('base64url'),
      (text) => base64(text.trim()),
      (text) => `x-${base64(text)}`,
      (text) => JSON.stringify({ password: text }),
      (text) => ` [${base64(text)}]`,
    ];

    /** Everything that an answer could be made of, as a reader sees it. */
    const outputs = (object: unknown, kind?: string): string => {
      const shown = presentable(object, kind);
      return [toYaml(shown), toYaml([shown]), text(shown), text(toolResult('', { shown }).structuredContent)]
        .map((output) => text(toolResult(output)))
        .concat(renderTable(fromObjects([shown], true, 0)))
        .join('\n');
    };

    function expectHidden(shown: string, secret: string): void {
      // The digits are the part that nothing else holds, and no output writes them in another way.
      const [core = ''] = /s3cr3t-\d+/.exec(secret) ?? [];
      expect(shown).not.toContain(core);
      const visible = stripInvisible(secret);
      for (const form of [secret, secret.trim(), visible, visible.trim()]) {
        // Without the last letters, which depend on what follows.
        expect(shown).not.toContain(base64(form).replace(/=+$/, '').slice(0, -2));
        expect(shown).not.toContain(Buffer.from(form).toString('base64url').slice(0, -2));
      }
    }

    test('wherever the Secret stands, whatever its keys are and however it was copied to annotations', () => {
      fc.assert(
        fc.property(
          value,
          hostileText,
          wrap,
          fc.constantFrom(...copies),
          hostileText,
          (secret, key, path, copy, name) => {
            let object: unknown = {
              kind: 'Secret',
              metadata: { annotations: Object.fromEntries([[name, copy(secret)]]) },
              data: Object.fromEntries([[key, base64(secret)]]),
              stringData: Object.fromEntries([[key, secret]]),
            };
            for (const step of path) object = step === 'list' ? [object] : { kind: 'Other', [step]: object };
            expectHidden(outputs(object), secret);
          },
        ),
        { numRuns: 500 },
      );
    });

    test('whatever else is in it, and in a list that alone says what it is of', () => {
      const odd = fc.dictionary(hostileText, hostileJson);
      fc.assert(
        fc.property(value, odd, odd, (secret, fields, metadata) => {
          const item = {
            ...fields,
            metadata,
            data: { a: base64(secret), b: { c: base64(secret) } },
            stringData: [secret],
          };
          const { kind: _, ...kindless } = item as Record<string, unknown>;
          expectHidden(outputs({ ...kindless, kind: 'Secret' }), secret);
          expectHidden(outputs(kindless, 'Secret'), secret);
          expectHidden(outputs({ kind: 'SecretList', items: [kindless] }), secret);
        }),
        { numRuns: 300 },
      );
    });
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
    'authorization: Basic abc',
    'Authorization:  Token abc',
    'token eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln end',
    'jwt-eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln',
    'detached eyJhbGciOiJSUzI1NiJ9..abc',
    'encrypted eyJhbGciOiJSU0EifQ.abc.abc.abc.abc',
  ])('%s', (message) => {
    const shown = redactTokens(message);
    expect(shown).toContain(REDACTED);
    expect(shown).not.toMatch(/abc|eyJ/);
  });

  test('no token in any surroundings is left', () => {
    const part = fc.stringMatching(/^[\w-]{12,40}$/);
    const around = fc.constantFrom(
      '',
      ' ',
      '"',
      "'",
      '(',
      '{"authorization":"Bearer ',
      'Bearer ',
      'authorization: ',
      ': ',
      '/',
      '=',
      ',',
      '\n',
    );
    fc.assert(
      fc.property(around, part, part, part, around, (before, header, payload, signature, after) => {
        const shown = redactTokens(`said${before}eyJ${header}.${payload}.${signature}${after} end`);
        if (before === '') return;
        for (const piece of [header, payload, signature]) expect(shown).not.toContain(piece);
      }),
    );
  });

  test('any text, however long, comes to an end', () => {
    // Each of these takes hours where every beginning of a match is followed to the end of the text.
    for (const piece of ['-eyJ', 'eyJ', 'a', 'authorization:', 'bearer ', ' ', '.', 'eyJaaaaa.', '\n'])
      redactTokens(piece.repeat(500_000));
  });

  test.each(['KeyJournal.v1.example.com', 'eyJ.x', 'a.b.c', 'root:acme', '10.0.0.1:6443'])(
    'leaves %s alone',
    (word) => {
      expect(redactTokens(`about ${word} here`)).toBe(`about ${word} here`);
    },
  );

  test('leaves other text alone', () => {
    const message = 'namespaces is forbidden: User "alice@example.com" cannot list';
    expect(redactTokens(message)).toBe(message);
  });
});
