/** Which version of which object a watch tells of, read off the beginning of its line: without all the rest that it would take. */
import type { ObjectMeta } from './types.ts';

export type Version = Required<Pick<ObjectMeta, 'name' | 'namespace' | 'uid' | 'resourceVersion'>>;

/**
 * As Go writes kinds that it has a type for, and PartialObjectMetadata: metav1.TypeMeta, then the members of metav1.ObjectMeta, in
 * the order in which they are declared. Members of custom resources are in alphabetical order.
 */
const HEAD =
  /^\{"type":"(?:ADDED|MODIFIED)","object":\{"kind":"\w+","apiVersion":"[\w./-]+","metadata":\{"name":"([^"\\]+)","namespace":"([^"\\]+)","uid":"([^"\\]+)","resourceVersion":"(\d+)",/;
const NOTHING = /^/;

/**
 * Undefined where it isn't told by the first members (as with a generateName), or the event is another one: then it has to be
 * parsed. What is returned are parts of `line`, and may hold all of it.
 */
export function versionOf(line: string): Version | undefined {
  const [, name, namespace, uid, resourceVersion] = HEAD.exec(line) ?? [];
  // V8 keeps the whole text that was matched last, and it may be of a Secret.
  NOTHING.test('');
  if (name === undefined || namespace === undefined || uid === undefined || resourceVersion === undefined)
    return undefined;
  return { name, namespace, uid, resourceVersion };
}
