import { arrayAt, at, isObject, numberAt, stringAt } from '../kcp/json.ts';
import { shorten } from './text.ts';

/** Columns and rows of text, ready to be lined up. */
export interface Table {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

const MAX_CELL = 100;

/** Whether kcp answered with the server-side table that was asked for; not every API does. */
export function isServerTable(value: unknown): boolean {
  return stringAt(value, 'kind') === 'Table' && Array.isArray(at(value, 'columnDefinitions'));
}

/**
 * The columns that `kubectl get` shows without `-o wide` (priority 0) of a `meta.k8s.io/v1` Table.
 * @param withNamespace puts a NAMESPACE column first, from the rows' object metadata.
 * @see https://kubernetes.io/docs/reference/using-api/api-concepts/#receiving-resources-as-tables
 */
export function fromServerTable(table: unknown, withNamespace: boolean): Table {
  const shown: { index: number; name: string }[] = [];
  for (const [index, definition] of arrayAt(table, 'columnDefinitions').entries()) {
    const name = stringAt(definition, 'name');
    if (name !== undefined && (numberAt(definition, 'priority') ?? 0) === 0) shown.push({ index, name });
  }
  const columns = shown.map(({ name }) => name);
  const rows = arrayAt(table, 'rows').map((row) => {
    const cells = arrayAt(row, 'cells');
    const own = shown.map(({ index }) => toCell(cells[index]));
    return withNamespace ? [toCell(stringAt(row, 'object', 'metadata', 'namespace')), ...own] : own;
  });
  return { columns: withNamespace ? ['Namespace', ...columns] : columns, rows };
}

/** Name, kind and age of the objects of a plain list: for APIs that make no tables. */
export function fromObjects(objects: readonly unknown[], withNamespace: boolean, now: number): Table {
  const rows = objects.map((object) => {
    const own = [
      toCell(stringAt(object, 'metadata', 'name')),
      age(stringAt(object, 'metadata', 'creationTimestamp'), now),
    ];
    return withNamespace ? [toCell(stringAt(object, 'metadata', 'namespace')), ...own] : own;
  });
  return { columns: withNamespace ? ['Namespace', 'Name', 'Age'] : ['Name', 'Age'], rows };
}

/** The table as lines, columns lined up, header first in capitals. */
export function renderTable({ columns, rows }: Table): string[] {
  const header = columns.map((name) => shorten(name, MAX_CELL).toUpperCase());
  const all = [header, ...rows];
  const widths = header.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  return all.map((row) =>
    row
      .map((text, column) => text.padEnd(widths[column] ?? 0))
      .join('   ')
      .trimEnd(),
  );
}

/** A value as one cell: on one line, not too long, and never empty, or the columns after it would seem to be others. */
export function toCell(value: unknown): string {
  if (typeof value === 'string') return shorten(value, MAX_CELL) || '-';
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return isObject(value) || Array.isArray(value) ? shorten(JSON.stringify(value), MAX_CELL) : '-';
}

/** How long ago, as kubectl abbreviates it: `45s`, `12m`, `3h`, `9d`. */
export function age(timestamp: string | undefined, now: number): string {
  const created = timestamp === undefined ? NaN : Date.parse(timestamp);
  if (Number.isNaN(created)) return '-';
  const seconds = Math.max(0, Math.floor((now - created) / 1000));
  if (seconds < 120) return `${seconds}s`;
  if (seconds < 2 * 3600) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 48 * 3600) return `${Math.floor(seconds / 3600)}h`;
  return `${Math.floor(seconds / 86_400)}d`;
}
