/**
 * Comparing an object that one applies with the fields that one owns (`managedFields[].fieldsV1`, KEP-555).
 *
 * FieldsV1 is a tree. `f:NAME` is a field of a map; `k:{…}` an element of a list with keys, by its keys; `v:VALUE` an
 * element of a set; `i:N` one by its index; `.` the thing itself. What is `{}` is owned as a whole. The tree thus tells
 * how lists merge, and no schema is needed here.
 */

import { isDeepStrictEqual } from 'node:util';

/** JSON of a map; no member is undefined or null. */
export type Fields = Record<string, unknown>;

/** What identifies an object, which no applier ever owns. */
const identity = new Set(['apiVersion', 'kind']);
const identityInMetadata = new Set([
  'name',
  'namespace',
  'uid',
  'resourceVersion',
  'managedFields',
  'creationTimestamp',
  'generation',
]);

/** The fields of an object that an applier can own: all but those that identify it. */
export function ownable(object: object): Fields {
  const { metadata, ...fields } = without(identity, object);
  const rest = without(identityInMetadata, metadata as object | undefined);
  return Object.keys(rest).length > 0 ? { ...fields, metadata: rest } : fields;
}

function without(names: ReadonlySet<string>, object: object = {}): Fields {
  const kept: Fields = {};
  for (const name in object) if (!names.has(name)) kept[name] = (object as Fields)[name];
  return kept;
}

/**
 * Whether `owned` is exactly the set of the fields in `applied`. It no longer is when another manager changed or removed
 * one of them (then ownership moved away), or when more was applied in our name than now.
 */
export function ownsExactly(applied: Fields, owned: Fields): boolean {
  return isOwned(applied, undefined, owned);
}

/** {@link ownsExactly}, and `live` has the same values in all these fields. */
export function holdsExactly(applied: Fields, live: Fields, owned: Fields): boolean {
  return isOwned(applied, { value: live }, owned);
}

/** A live value to compare with; an absent one is `{value: undefined}`. */
interface Live {
  value: unknown;
}

/** @param keys of the element that `applied` is: the path to it has compared them already */
function isOwned(applied: unknown, live: Live | undefined, owned: Fields, keys = none): boolean {
  const below = countOf(owned, keys);
  if (below > 0) {
    if (Array.isArray(applied)) return isListOwned(applied, live, owned);
    return isMap(applied) && isMapOwned(applied, live, owned, keys, below);
  }
  // `.` alone: the thing itself, and nothing in it
  if (Object.hasOwn(owned, '.')) return isEmpty(applied, keys) && (live === undefined || live.value !== undefined);
  // owned as a whole: a scalar, an atomic map or list, or something empty
  return live === undefined || isEmpty(applied, keys) || isDeepStrictEqual(applied, live.value);
}

const none: Fields = {};

/** Paths of an owned set, without the thing itself; a key that has a default is owned only by those who gave it. */
function countOf(owned: Fields, keys: Fields): number {
  let count = 0;
  for (const path in owned)
    if (path !== '.' && (keys === none || !Object.hasOwn(keys, path.slice('f:'.length)))) count += 1;
  return count;
}

function isMapOwned(applied: Fields, live: Live | undefined, owned: Fields, keys: Fields, paths: number): boolean {
  let found = 0;
  for (const name of Object.keys(applied)) {
    if (Object.hasOwn(keys, name)) continue;
    const path = pathOf(name);
    if (!Object.hasOwn(owned, path)) {
      // of an empty list with keys nothing is stored and nothing owned
      if (isHollow(applied[name])) continue;
      return false;
    }
    found += 1;
    if (!isOwned(applied[name], child(live, name), owned[path] as Fields)) return false;
  }
  return found === paths;
}

function isListOwned(applied: unknown[], live: Live | undefined, owned: Fields): boolean {
  const left = Object.keys(owned).filter((path) => path !== '.');
  if (applied.length !== left.length) return false;
  return applied.every((element, index) => {
    const path = left.find((candidate) => isNamed(candidate, element, index));
    if (path === undefined) return false;
    left.splice(left.indexOf(path), 1);
    const liveElement = live === undefined ? undefined : { value: elementAt(path, live.value) };
    return isOwned(element, liveElement, owned[path] as Fields, elementKeysOf(path));
  });
}

const elementKeysOf = (path: string): Fields => (path.startsWith('k:') ? keysOf(path) : none);

/** Whether a path element of a list names this element of it. */
export function isNamed(path: string, element: unknown, index: number): boolean {
  if (path.startsWith('i:')) return path === `i:${index}`;
  if (path.startsWith('v:')) return path === `v:${JSON.stringify(element)}`;
  if (!path.startsWith('k:') || !isMap(element)) return false;
  // a key that is left out has its default in the path: ports without a protocol are TCP
  return Object.entries(keysOf(path)).every(([key, value]) => element[key] === undefined || element[key] === value);
}

function elementAt(path: string, list: unknown): unknown {
  if (!Array.isArray(list)) return undefined;
  return list.find((element, index) => isNamed(path, element, index)) as unknown;
}

export function withoutKeys(path: string, element: unknown): unknown {
  if (!path.startsWith('k:') || !isMap(element)) return element;
  const keys = keysOf(path);
  return Object.fromEntries(Object.entries(element).filter(([name]) => !Object.hasOwn(keys, name)));
}

const pathOf = remembered((name) => `f:${name}`);
const keysOf = remembered((path) => JSON.parse(path.slice('k:'.length)) as Fields);

const child = (live: Live | undefined, name: string): Live | undefined =>
  live === undefined ? undefined : { value: isMap(live.value) ? live.value[name] : undefined };

export const isMap = (value: unknown): value is Fields =>
  value !== null && typeof value === 'object' && !Array.isArray(value);

/** Holds nothing but empty maps and lists. */
export const isHollow = (value: unknown): boolean =>
  Array.isArray(value) ? value.length === 0 : isMap(value) && Object.values(value).every(isHollow);

const isEmpty = (value: unknown, keys: Fields): boolean =>
  Array.isArray(value)
    ? value.length === 0
    : isMap(value) && Object.keys(value).every((name) => Object.hasOwn(keys, name));

/** Texts that are remembered; more than the fields of all kinds that we apply. */
const MAX_REMEMBERED = 2_000;

/** Makes the same of the same text once: ownership is compared whenever a child is looked at, and names few fields. */
function remembered<T>(make: (text: string) => T): (text: string) => T {
  const made = new Map<string, T>();
  return (text) => {
    const known = made.get(text) ?? make(text);
    if (made.size >= MAX_REMEMBERED) made.clear();
    made.set(text, known);
    return known;
  };
}
