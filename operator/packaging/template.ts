// Turns a YAML document into a Helm template of the same text, comments included.
import { Scalar, isMap, isScalar, isSeq, visit, type Document } from 'yaml';

export type Path = (string | number)[];

/** Lines of a template; `indent` is the column that they begin at. */
export type Block = (indent: number) => string[];

/** A field that is there when its value is set: the value itself, as YAML. */
export const optionalField =
  (field: string, value: string): Block =>
  (indent) => [`{{- with ${value} }}`, `${field}:`, `  {{- toYaml . | nindent ${indent + 2} }}`, '{{- end }}'];

/** What {@link Template} puts into the YAML and takes out of the text again. */
const mark = (index: number): string => `__${index}__`;

export class Template {
  readonly #document: Document;
  readonly #blocks: Block[] = [];
  readonly #inline: string[] = [];

  /** @param document is changed */
  constructor(document: Document) {
    this.#document = document;
  }

  /** Replaces every scalar that is exactly this text. */
  replaceAll(text: string, expression: string): void {
    visit(this.#document, {
      Scalar: (key, node) => {
        if (key !== 'key' && node.value === text) node.value = this.#expression(expression);
      },
    });
  }

  /** Replaces the scalar at `path`. @throws when there is none */
  replace(path: Path, expression: string): void {
    const node = this.#document.getIn(path, true);
    if (!isScalar(node)) throw new Error(`no scalar at ${path.join('.')}`);
    this.#document.setIn(path, new Scalar(this.#expression(expression)));
  }

  /** Puts lines after the last field of the map, or item of the list, at `path`. @throws when there is neither */
  append(path: Path, block: Block): void {
    const node = this.#document.getIn(path, true);
    const text = mark(this.#blocks.push(block) - 1);
    if (isMap(node)) node.add(this.#document.createPair(text, null));
    else if (isSeq(node)) node.add(new Scalar(text));
    else throw new Error(`no map or list at ${path.join('.')}`);
  }

  /** Takes a field away. @returns what it held @throws when it isn't there */
  take(path: Path): unknown {
    const value = this.#document.getIn(path);
    if (!this.#document.deleteIn(path)) throw new Error(`nothing at ${path.join('.')}`);
    return value;
  }

  toString(): string {
    return this.#document
      .toString({ lineWidth: 0, flowCollectionPadding: false })
      .replaceAll(/^( *)(?:- )?__(\d+)__(?:: null)?$/gm, (_, indent: string, index: string) =>
        (this.#blocks[Number(index)]?.(indent.length) ?? []).map((line) => indent + line).join('\n'),
      )
      .replaceAll(/__x(\d+)__/g, (_, index: string) => this.#inline[Number(index)] ?? '');
  }

  #expression(text: string): string {
    return `__x${this.#inline.push(text) - 1}__`;
  }
}

/** A text in which `{{` means nothing to Helm. */
export const literal = (text: string): string => text.replaceAll('{{', '{{ "{{" }}');
