import { isObject, stringAt } from '../kcp/json.ts';
import type { JsonObject } from '../kcp/json.ts';
import { stripInvisible } from './text.ts';

/** What stands where a secret value was. */
export const REDACTED = '[redacted]';

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/** Annotations of Secrets whose values are names, as kubelet and the token controller write them. */
const HARMLESS = new Set(['kubernetes.io/service-account.name', 'kubernetes.io/service-account.uid']);

/**
 * The object as it may be shown: without `managedFields` and last-applied configuration, without the values of Secrets.
 *
 * Secrets are recognised wherever they stand: as the object itself, in a list, or nested in another kind (templates and
 * the like carry whole manifests). Last-applied configuration goes from every object: it is a copy of what is shown
 * anyway, or of what must not be.
 *
 * @param kind the kind that was asked for: items of a list don't say theirs.
 * @param others values of Secrets besides those in the object, that annotations of Secrets may repeat.
 */
export function presentable(object: unknown, kind?: string, others: readonly string[] = []): unknown {
  if (Array.isArray(object)) return object.map((item) => presentable(item, kind, others));
  if (!isObject(object)) return object;
  const ownKind = stringAt(object, 'kind');
  const secret = kind === 'Secret' || ownKind === 'Secret';
  return mapFields(object, (key, value) => {
    if (secret && (key === 'data' || key === 'stringData')) return redactValues(value);
    if (key === 'metadata') return metadata(value, secret ? [...valuesOf(object), ...others] : undefined);
    return presentable(value, kindOfField(key, ownKind), others);
  });
}

const kindOfField = (key: string, kind: string | undefined) =>
  key === 'items' ? kind?.replace(/List$/, '') : undefined;

/** The values of all Secrets in the object, recognised as by {@link presentable}, as they may be written elsewhere. */
export function secretValues(object: unknown, kind?: string): string[] {
  if (Array.isArray(object)) return object.flatMap((item) => secretValues(item, kind));
  if (!isObject(object)) return [];
  const ownKind = stringAt(object, 'kind');
  const own = kind === 'Secret' || ownKind === 'Secret' ? valuesOf(object) : [];
  const nested = Object.entries(object).flatMap(([key, value]) => secretValues(value, kindOfField(key, ownKind)));
  return [...own, ...nested];
}

/** Like `Array.map` for objects; a field mapped to undefined is left out. Keys such as `__proto__` stay plain fields. */
function mapFields(object: JsonObject, map: (key: string, value: unknown) => unknown): JsonObject {
  return Object.fromEntries(
    Object.entries(object).flatMap(([key, value]) => {
      const mapped = map(key, value);
      return mapped === undefined ? [] : [[key, mapped]];
    }),
  );
}

/** Keys stay: which ones a Secret has is what one looks for when something doesn't start. */
function redactValues(data: unknown): unknown {
  if (!isObject(data)) return data === null ? null : REDACTED;
  return mapFields(data, () => REDACTED);
}

function metadata(value: unknown, secretValues: readonly string[] | undefined): unknown {
  if (!isObject(value)) return presentable(value);
  const { managedFields: _, ...rest } = value;
  return mapFields(presentable(rest) as JsonObject, (key, field) => {
    if (key !== 'annotations' || !isObject(field)) return field;
    const shown = mapFields(field, (annotation, text) => {
      if (secretValues !== undefined && mayHoldSecret(annotation, text, secretValues)) return REDACTED;
      return annotation === LAST_APPLIED ? undefined : text;
    });
    return Object.keys(shown).length === 0 ? undefined : shown;
  });
}

/** Base64, perhaps of a compressed manifest, as Rancher's `objectset.rio.cattle.io/applied` is. */
const BLOB = /[A-Za-z0-9+/]{40}/;

/** Tools keep copies of what they applied in annotations, under names of their own. */
function mayHoldSecret(key: string, text: unknown, secretValues: readonly string[]): boolean {
  if (HARMLESS.has(key)) return false;
  if (/^([^/]*\.)?(kubernetes|k8s)\.io\//.test(key) || typeof text !== 'string') return true;
  // As it would be shown: invisible characters in between hide nothing from a reader.
  const shown = stripInvisible(text);
  return (
    /^\s*[{[]/.test(shown) ||
    shown.includes('\n') ||
    BLOB.test(shown) ||
    secretValues.some((value) => shown.includes(value))
  );
}

/**
 * The Secret's values, each as it may be written elsewhere: as text and in both alphabets of base64, without padding, and
 * without the line break that a file ends with.
 */
function valuesOf(secret: JsonObject): string[] {
  const data = textsIn(secret['data']);
  const plain = [
    ...data.map((value) => Buffer.from(value, 'base64').toString('utf8')),
    ...textsIn(secret['stringData']),
  ];
  const encoded = plain
    .flatMap((value) => [value, value.trim()])
    .map((value) => Buffer.from(value).toString('base64url'));
  return [...data, ...plain, ...encoded, ...encoded.map(toBase64)]
    .map((value) => stripInvisible(value).trim().replace(/=+$/, ''))
    .filter((value) => value.length > 2);
}

function textsIn(fields: unknown): string[] {
  return isObject(fields) ? Object.values(fields).filter((value) => typeof value === 'string') : [];
}

const toBase64 = (base64url: string) => base64url.replaceAll('-', '+').replaceAll('_', '/');

/** Credentials and JWTs in a text, blacked out: the last line of defence for error messages. */
export function redactTokens(text: string): string {
  return text
    .replace(/\bbearer\s+\S+/gi, `Bearer ${REDACTED}`)
    .replace(/\bauthorization:\s*(?!bearer\b)\S+(\s+\S+)?/gi, `Authorization: ${REDACTED}`)
    .replace(/(?<![\w-])[\w-]+(?:\.[\w-]*){1,4}/g, redactJwt);
}

/** A JWS or JWE begins with the base64url of `{"`. Every step is linear: the text may be anybody's. */
function redactJwt(dotted: string): string {
  const start = /(^|[-_])eyJ/.exec(dotted);
  if (start === null) return dotted;
  const at = start.index + (start[1]?.length ?? 0);
  return dotted.indexOf('.', at) < at + 8 ? dotted : dotted.slice(0, at) + REDACTED;
}
