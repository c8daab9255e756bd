/** A workspace, a name or an API version that can't be put into a request to kcp. The message says what a right one looks like. */
export class InvalidPathError extends Error {
  override readonly name = 'InvalidPathError';
}

const MAX_WORKSPACE = 512;
const SEGMENT = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
const EXAMPLE =
  'write a path from the root such as "root:acme:team-a", or a logical-cluster id such as "33li30yc136z2lca"';

/**
 * Checks a workspace as callers write it: a path (`root`, `root:acme:team-a`) or a logical-cluster id.
 *
 * kcp takes more (`*`, `system:…`, percent-encoding); none of that is a workspace to work in, and all of it is a way
 * to reach something else, so it is refused here, before a URL is built.
 *
 * @returns the same text, safe to put into a URL as one path segment.
 * @throws {InvalidPathError}
 * @see https://docs.kcp.io/kcp/latest/concepts/workspaces/
 */
export function parseWorkspace(text: string): string {
  if (text === '') throw new InvalidPathError(`workspace is empty: ${EXAMPLE}`);
  if (text.length > MAX_WORKSPACE) throw new InvalidPathError(`workspace is longer than ${MAX_WORKSPACE} characters`);
  if (text === '*') throw new InvalidPathError(`workspace "*" (all workspaces at once) is not served: ${EXAMPLE}`);
  const segments = text.split(':');
  if (segments[0] === 'system') throw new InvalidPathError(`workspaces below "system:" are kcp's own: ${EXAMPLE}`);
  for (const segment of segments) {
    if (!SEGMENT.test(segment))
      throw new InvalidPathError(`workspace ${quote(text)} is not valid: ${why(text)}${EXAMPLE}`);
  }
  return text;
}

function why(text: string): string {
  if (text.includes('/')) return 'parts are separated by ":", not "/"; ';
  if (/[A-Z]/.test(text)) return 'names are lower-case; ';
  if (text.startsWith(':') || text.endsWith(':') || text.includes('::')) return 'a part between ":" is empty; ';
  return '';
}

/** Whether the workspace is given as a path whose parent can be named. */
export function splitWorkspace(path: string): { parent: string; name: string } | undefined {
  const colon = path.lastIndexOf(':');
  return colon === -1 ? undefined : { parent: path.slice(0, colon), name: path.slice(colon + 1) };
}

const GROUP = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/;
const VERSION = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/** An API group (empty for the core group) and a version of it. */
export interface GroupVersion {
  readonly group: string;
  readonly version: string;
}

/**
 * Parses an `apiVersion`: `v1` or `group/version`.
 * @throws {InvalidPathError}
 */
export function parseApiVersion(text: string): GroupVersion {
  const [first = '', second, ...rest] = text.split('/');
  const parsed = second === undefined ? { group: '', version: first } : { group: first, version: second };
  const valid = rest.length === 0 && VERSION.test(parsed.version) && (second === undefined || GROUP.test(parsed.group));
  if (!valid || parsed.version.includes('..') || parsed.group.includes('..')) {
    throw new InvalidPathError(`apiVersion ${quote(text)} is not valid: write "v1" or "apps/v1", group and version`);
  }
  return parsed;
}

export function formatApiVersion({ group, version }: GroupVersion): string {
  return group === '' ? version : `${group}/${version}`;
}

/**
 * Checks the name of an object or namespace: what the API server accepts as one path segment.
 * @param what the argument's name, for the message.
 * @throws {InvalidPathError}
 * @see https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#path-segment-names
 */
export function checkName(text: string, what: string): string {
  const oneSegment = text !== '.' && text !== '..' && !/[/%\p{Cc}]/u.test(text) && text.isWellFormed();
  if (text === '' || text.length > 253 || !oneSegment) {
    throw new InvalidPathError(
      `${what} ${quote(text)} is not valid: a name has 1 to 253 characters, no "/" and no "%", and isn't "." or ".."`,
    );
  }
  return text;
}

/** A resource of the API, or one object of it. */
export interface ResourcePath extends GroupVersion {
  /** Plural, as in URLs: `configmaps`. */
  readonly resource: string;
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
  /** Below a named object: `log`, `scale`. */
  readonly subresource?: string | undefined;
}

/** The path of a group and version, where its resources are listed: `/api/v1`, `/apis/apps/v1`. */
export function groupVersionPath({ group, version }: GroupVersion): string {
  return group === '' ? `/api/${segment(version)}` : `/apis/${segment(group)}/${segment(version)}`;
}

/**
 * The path of a resource or object below its workspace.
 * @throws {InvalidPathError} when a name isn't one path segment.
 */
export function resourcePath({ namespace, name, resource, subresource, ...groupVersion }: ResourcePath): string {
  const parts = [groupVersionPath(groupVersion)];
  if (namespace !== undefined) parts.push('namespaces', segment(checkName(namespace, 'namespace')));
  parts.push(segment(checkName(resource, 'resource')));
  if (name !== undefined) parts.push(segment(checkName(name, 'name')));
  if (subresource !== undefined) parts.push(segment(subresource));
  return parts.join('/');
}

/** What a message calls the place that a request goes to. */
export function placeName(workspace: string | undefined): string {
  return workspace === undefined ? 'this cluster' : `workspace ${workspace}`;
}

/** Puts a path into its workspace: `/clusters/root:acme/api/v1`. */
export function workspacePath(workspace: string, path: string): string {
  // ":" may stand in a path segment (RFC 3986 §3.3), and kcp's logs and audit policies are written with it.
  return `/clusters/${parseWorkspace(workspace).split(':').map(segment).join(':')}${path}`;
}

function segment(text: string): string {
  return encodeURIComponent(text);
}

/** The text as a JSON string of at most 80 characters, for a message. */
function quote(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}
