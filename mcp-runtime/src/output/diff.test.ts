import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { diffObjects } from './diff.ts';

const secret = (data: Record<string, string>, annotations: Record<string, string> = {}) => ({
  kind: 'Secret',
  metadata: { name: 's', annotations, resourceVersion: String(Math.random()), managedFields: [{ data }] },
  data,
});

describe('diffObjects', () => {
  test('only what a person would call a change', () => {
    const object = (spec: object, version: string) => ({
      kind: 'X',
      metadata: { name: 'x', resourceVersion: version, generation: Number(version), managedFields: [version] },
      spec,
    });
    expect(diffObjects(object({ a: 1 }, '1'), object({ a: 1 }, '2'), 'X')).toBe('');
    expect(
      diffObjects(object({ a: 1 }, '1'), object({ a: 2 }, '2'), 'X')
        ?.split('\n')
        .slice(-2),
    ).toEqual(['-  a: 1', '+  a: 2']);
  });

  test('a changed secret value is marked, a new one too, and one that stays is not', () => {
    const diff = diffObjects(secret({ a: 'QQ==', b: 'Qg==' }), secret({ a: 'QQ==', b: 'Qw==', c: 'RA==' }), 'Secret');
    expect(diff?.split('\n').slice(-5)).toEqual([
      ' data:',
      '   a: "[redacted]"',
      '-  b: "[redacted]"',
      '+  b: "[redacted] (changed)"',
      '+  c: "[redacted] (new)"',
    ]);
  });

  test('no value of a Secret is ever in a diff', () => {
    const value = fc.stringMatching(/^[A-Za-z0-9]{8,20}$/).map((text) => `zq${text}zq`);
    const values = fc.dictionary(fc.constantFrom('a', 'b', 'c'), value);
    fc.assert(
      fc.property(values, values, value, (before, after, applied) => {
        const base64 = (data: Record<string, string>) =>
          Object.fromEntries(Object.entries(data).map(([key, text]) => [key, Buffer.from(text).toString('base64')]));
        const annotations = { 'kubectl.kubernetes.io/last-applied-configuration': `{"stringData":{"a":"${applied}"}}` };
        const diff = diffObjects(secret(base64(before)), secret(base64(after), annotations), 'Secret') ?? '';
        for (const text of [...Object.values(before), ...Object.values(after), applied]) {
          expect(diff).not.toContain(text);
          expect(diff).not.toContain(Buffer.from(text).toString('base64'));
        }
      }),
    );
  });

  test('not even where an annotation repeats the value that is gone, or the one to come', () => {
    const [old, current] = ['hunter2hunter2', 'correcthorse'];
    const data = (text: string) => ({ password: Buffer.from(text).toString('base64') });
    const notes = (text: string) => ({ 'example.com/note': `was ${text}` });
    for (const note of [old, current]) {
      const diff = diffObjects(secret(data(old), notes(note)), secret(data(current), notes(note)), 'Secret') ?? '';
      expect(diff).toContain('(changed)');
      expect(diff).not.toContain(note);
    }
  });

  test('too much to compare is not compared', () => {
    const lines = (seed: number) =>
      Object.fromEntries(Array.from({ length: 20_000 }, (_, index) => [`k${index}`, index * seed]));
    expect(diffObjects({ data: lines(1) }, { data: lines(7) }, 'X')).toBeUndefined();
  });
});
