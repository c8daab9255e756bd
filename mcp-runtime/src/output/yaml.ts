import { Document, Scalar, visit } from 'yaml';
import { fitting } from './fitting.ts';
import { MAX_TEXT_BYTES } from './limit.ts';

/**
 * The value as a YAML document: no invisible characters, no anchors, no folded lines, keys in the order they came. Strings that
 * YAML 1.1 takes for something else (`yes`, timestamps) are quoted: kubectl reads YAML that way.
 *
 * Not much more is written than an answer can show (`MAX_TEXT_BYTES`; `toolResult` cuts there and says so): the document that
 * `yaml` makes on the way takes hundreds of bytes for each value.
 */
export function toYaml(value: unknown): string {
  const document = new Document(fitting(value, MAX_TEXT_BYTES + 1), {
    aliasDuplicateObjects: false,
    compat: 'yaml-1.1',
  });
  visit(document, {
    Scalar: (_, scalar, path) => {
      const text = scalar.value;
      // A block that is the whole document is written without the indentation that it says it has.
      const isRoot = path.length === 1;
      if (typeof text === 'string' && ((isRoot && text.includes('\n')) || endsInBlankLines(text))) {
        scalar.type = Scalar.QUOTE_DOUBLE;
      }
    },
  });
  return document.toString({ lineWidth: 0 }).replace(/\n$/, '');
}

/** Written as a block (`|+`), such a text's end gets lost among the blank lines of an answer. */
function endsInBlankLines(text: string): boolean {
  let lines = 0;
  let end = text.length;
  for (; end > 0 && /[\n\t ]/.test(text[end - 1] ?? ''); end--) if (text[end - 1] === '\n') lines++;
  return lines > 1 || (lines === 1 && end === 0);
}
