import { describe, expect, test } from '@jest/globals';
import { parseDocument } from 'yaml';
import { literal, optionalField, Template } from './template.ts';

const template = (text: string): Template => new Template(parseDocument(text));

describe('Template', () => {
  test('keeps the text, comments and lists in one line included', () => {
    const text = '# About it.\na: [one, two]\n# More.\nb:\n  - c: "1"\n';
    expect(template(text).toString()).toBe(text);
  });

  test('replaces a scalar, and every scalar of a text but keys', () => {
    const it = template('a: 1\nb: here\nhere: [here]\n');
    it.replace(['a'], '{{ .Values.a }}');
    it.replaceAll('here', '{{ .Release.Namespace | quote }}');
    expect(it.toString()).toBe(
      'a: {{ .Values.a }}\nb: {{ .Release.Namespace | quote }}\nhere: [{{ .Release.Namespace | quote }}]\n',
    );
  });

  test('puts blocks where a map or list ends, at its column', () => {
    const it = template('a:\n  b:\n    - c: 1\nd: 2\n');
    it.append(['a', 'b', 0], optionalField('e', '.Values.e'));
    it.append(['a', 'b'], (indent) => [`{{- ${indent} }}`]);
    expect(it.toString()).toBe(
      [
        'a:',
        '  b:',
        '    - c: 1',
        '      {{- with .Values.e }}',
        '      e:',
        '        {{- toYaml . | nindent 8 }}',
        '      {{- end }}',
        '    {{- 4 }}',
        'd: 2',
        '',
      ].join('\n'),
    );
  });

  test('says what config/ no longer has', () => {
    const it = template('a: {b: 1}\n');
    expect(() => {
      it.replace(['a', 'c'], '');
    }).toThrow('no scalar at a.c');
    expect(() => {
      it.append(['a', 'b'], () => []);
    }).toThrow('no map or list at a.b');
    expect(() => it.take(['b'])).toThrow('nothing at b');
  });
});

test('literal: braces of a CRD mean nothing to Helm', () => {
  expect(literal('a {{b}} {c}')).toBe('a {{ "{{" }}b}} {c}');
});
