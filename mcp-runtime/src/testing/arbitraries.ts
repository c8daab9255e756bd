import fc from 'fast-check';

// What URL builders, parsers, terminals and YAML readers trip over: separators and their encodings, dots, controls, bidi and
// invisible characters, halves of surrogate pairs, look-alikes that Unicode normalisation or case mapping turns into others.
const PIECES = `. .. / // \\ % %2e %2F %5c %00 %25 %c0%af ? # & = ; : * @ + , ! ~ - _ ' " \` \${ {{ < > | & [ ] { } a A z Z 0 root system
__proto__ constructor null`
  .split(/\s+/)
  .concat([' ', '\t', '\n', '\r\n', '\0', '\u0007', '\u001b[31m', '\u0085', '\u009b', '\u00a0', '\u00ad', '\u034f', '\u061c'])
  .concat(['\u200b', '\u200d', '\u202e', '\u2028', '\u2060', '\u2066', '\u3164', '\ufe0f', '\ufeff', '\ufff9', '\u{e0041}'])
  .concat(['\ud800', '\udc00', '\uff0f', '\u2024', '\u2025', '\uff0e', '\u212a', '\u017f', '\u0130', '\u00e9', 'e\u0301', '\ufb01', '\u{1f600}']); // prettier-ignore

/** Any text, and much of the kind that means trouble. */
export const hostileText: fc.Arbitrary<string> = fc.oneof(
  { weight: 3, arbitrary: fc.string({ unit: fc.constantFrom(...PIECES), maxLength: 12 }) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary' }) },
  { weight: 1, arbitrary: fc.string() },
);

/** Any JSON, with such text in its keys and values. */
export const hostileJson: fc.Arbitrary<unknown> = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.oneof(
      hostileText,
      fc.integer(),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.boolean(),
      fc.constant(null),
    ),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.array(fc.tuple(hostileText, tie('value')), { maxLength: 4 }).map((fields) => Object.fromEntries(fields)),
  ),
})).value;
