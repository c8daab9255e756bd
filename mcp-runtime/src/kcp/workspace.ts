import { at, stringAt } from './json.ts';
import { parseWorkspace } from './paths.ts';

/** A workspace as the Workspace object in its parent shows it. */
export interface Workspace {
  /** What to give as workspace argument: the path from the root, such as `root:acme:team-a`; below a home workspace, from its id. */
  readonly path: string;
  readonly name: string;
  /** Its logical-cluster id; mounted workspaces and ones not yet scheduled have none, nor has the start of a walk. */
  readonly cluster: string | undefined;
  /** Its WorkspaceType, such as `root:universal`. */
  readonly type: string | undefined;
  /** `Scheduling`, `Initializing`, `Ready`, … */
  readonly phase: string | undefined;
  /**
   * Whether another API server stands behind it (`spec.mount`). Such a one is reached by its path only, and has no
   * workspaces below: kcp sends every longer path there, too.
   */
  readonly mounted?: boolean;
}

/** A place where it couldn't be looked, and why. */
export interface Gap {
  readonly workspace: string;
  readonly reason: string;
  /** Whether asking again soon may bring more: no 403, but trouble on the way or no time left. */
  readonly transient: boolean;
}

/** What one caller may enter, as far as it could be found out. */
export interface Walk {
  /** Where it began. */
  readonly root: string;
  /** Those that the caller may enter, each parent before its children, siblings by name ({@link comparePaths}). */
  readonly enterable: readonly Workspace[];
  /** Those that a parent lists, but that the caller may not enter (or not known to), ordered likewise. */
  readonly visible: readonly Workspace[];
  /** Enterable workspaces whose children couldn't be listed, and workspaces that couldn't be probed. */
  readonly gaps: readonly Gap[];
  /** The caller's name at kcp, where kcp said it. */
  readonly user: string | undefined;
}

/** The resource. */
export const WORKSPACES = { group: 'tenancy.kcp.io', version: 'v1alpha1', resource: 'workspaces' } as const;

/** By id where there is one: it stays the same workspace when another one takes over the path. */
export function address({ cluster, path }: Pick<Workspace, 'cluster' | 'path'>): string {
  return cluster ?? path;
}

/**
 * Reads a Workspace object.
 * @param parent path of the workspace that it lies in.
 * @returns undefined where its name can't be part of a path.
 */
export function workspaceOf(object: unknown, parent: string): Workspace | undefined {
  const name = oneSegment(stringAt(object, 'metadata', 'name'));
  const path = name === undefined ? undefined : validWorkspace(`${parent}:${name}`);
  if (name === undefined || path === undefined) return undefined;
  const mounted = at(object, 'spec', 'mount') !== undefined;
  return {
    path,
    name,
    cluster: clusterOf(object),
    type: typeOf(object),
    phase: stringAt(object, 'status', 'phase'),
    ...(mounted && { mounted }),
  };
}

/** The id of the logical cluster that a Workspace object stands for. */
export function clusterOf(object: unknown): string | undefined {
  return oneSegment(stringAt(object, 'spec', 'cluster'));
}

/** The WorkspaceType that a Workspace object names, with the path where it is defined. */
export function typeOf(object: unknown): string | undefined {
  const name = stringAt(object, 'spec', 'type', 'name');
  const path = stringAt(object, 'spec', 'type', 'path');
  return name !== undefined && path !== undefined ? `${path}:${name}` : name;
}

/** The same text where it can be one part of a path: a name, or an id. */
export function oneSegment(text: string | undefined): string | undefined {
  return text?.includes(':') === true ? undefined : validWorkspace(text);
}

/** The same text where it can stand for a workspace. */
export function validWorkspace(text: string | undefined): string | undefined {
  try {
    return text === undefined ? undefined : parseWorkspace(text);
  } catch {
    return undefined;
  }
}

/** Whether a workspace is another one, or below it. */
export function isWithin(path: string, ancestor: string): boolean {
  return path.startsWith(ancestor) && (path.length === ancestor.length || path.charCodeAt(ancestor.length) === COLON);
}

const COLON = 58;

/** Depth first: a parent, then all below it, before its next sibling. */
export function comparePaths(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at += 1) {
    const [x, y] = [a.charCodeAt(at), b.charCodeAt(at)];
    if (x === y) continue;
    // ":" sorts after "-" and the digits; as the lowest character it keeps children next to their parent.
    if (x === COLON || y === COLON) return x === COLON ? -1 : 1;
    return x - y;
  }
  return a.length - b.length;
}
