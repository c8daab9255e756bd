/** Merging of configuration files, and which of them said what. */

/** A table of a TOML file, or an object that stands for one. */
export type Table = Readonly<Record<string, unknown>>;

/** A part of the configuration. */
export interface ConfigSource {
  /** For messages: the path of the file, or what else says where the text lies. */
  readonly name: string;
  /** What `document` was parsed from; empty where there is no text. */
  readonly text: string;
  readonly document: Table;
}

export interface Merged {
  readonly document: Table;
  /** The source of the value at `path`; of the nearest thing above it where there is none. At the top that is the first source. */
  readonly sourceOf: (path: readonly (string | number)[]) => ConfigSource;
}

/** A value with the last source that set it, or a table with the last that touched it. */
type Node = { readonly value: unknown; source: ConfigSource } | TableNode;

interface TableNode {
  readonly entries: Map<string, Node>;
  source: ConfigSource;
}

/**
 * Merges as upstream does: tables key by key; anything else, arrays of tables included, is replaced by the later source.
 *
 * @throws where there is no source
 */
export function mergeSources(sources: readonly ConfigSource[]): Merged {
  const [first] = sources;
  if (first === undefined) throw new Error('there is no configuration to merge');
  const root: TableNode = { entries: new Map(), source: first };
  for (const source of sources) mergeInto(root, source.document, source);
  return {
    document: tableOf(root),
    sourceOf: (path) => {
      let node: Node = root;
      for (const part of path) {
        const next: Node | undefined = 'entries' in node ? node.entries.get(String(part)) : undefined;
        if (next === undefined) break;
        node = next;
      }
      return node.source;
    },
  };
}

function mergeInto(target: TableNode, table: Table, source: ConfigSource): void {
  for (const [key, value] of Object.entries(table)) {
    if (!isTable(value)) {
      target.entries.set(key, { value, source });
      continue;
    }
    const known = target.entries.get(key);
    const next: TableNode = known !== undefined && 'entries' in known ? known : { entries: new Map(), source };
    next.source = source;
    target.entries.set(key, next);
    mergeInto(next, value, source);
  }
}

function tableOf({ entries }: TableNode): Table {
  return Object.fromEntries(
    [...entries].map(([key, node]) => [key, 'entries' in node ? tableOf(node) : node.value] as const),
  );
}

/** smol-toml's dates are objects too. */
const isTable = (value: unknown): value is Table =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
