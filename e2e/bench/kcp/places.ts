import { createHash } from 'node:crypto';
import { nameOf, parentOf } from '../../kcp/tree.ts';
import { assignedAnnotation, clusterAnnotation, rootCluster } from '../../kcp/workspace.ts';
import type { Workspace } from '../../kcp/workspace.ts';
import { recordedWorkspace } from './recordings.ts';
import type { SyntheticTree } from './tree.ts';

/** A workspace of the synthetic kcp. */
export interface Place {
  path: string;
  /** Id of its logical cluster. */
  cluster: string;
  /** Whether nobody may enter it. */
  closed: boolean;
  /** The Workspace objects in it, by name. */
  children: Workspace[];
}

const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration';

/** All workspaces by path and by id; each carries the Workspace objects of its children as a real kcp writes them. */
export function placesOf(tree: SyntheticTree, url: string): Map<string, Place> {
  const places = new Map<string, Place>();
  const closed = new Set(tree.closed);
  const template = JSON.stringify(recordedWorkspace());
  for (const path of [rootCluster, ...tree.workspaces]) {
    const place = { path, cluster: clusterOf(path), closed: closed.has(path), children: [] };
    places.set(path, place);
    places.set(place.cluster, place);
    const parent = places.get(parentOf(path) ?? '');
    parent?.children.push(workspaceObject(template, place, parent, url, places.size));
  }
  for (const { children } of places.values()) children.sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  return places;
}

/** Ids look like kcp's (16 characters of base 36) and are the same in every run. */
function clusterOf(path: string): string {
  if (path === rootCluster) return rootCluster;
  const digits = BigInt(`0x${createHash('sha256').update(path).digest('hex')}`).toString(36);
  return digits.slice(0, 16);
}

function workspaceObject(template: string, place: Place, parent: Place, url: string, version: number): Workspace {
  const object = JSON.parse(template) as Workspace;
  const name = nameOf(place.path);
  const { metadata, spec } = object;
  metadata.name = name;
  metadata.uid = createHash('sha256').update(place.path).digest('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, '$1-$2-$3-$4-$5'); // prettier-ignore
  metadata.resourceVersion = String(1000 + version);
  metadata.annotations = {
    ...metadata.annotations,
    [assignedAnnotation]: place.cluster,
    [clusterAnnotation]: parent.cluster,
  };
  const applied = metadata.annotations[lastApplied];
  if (applied !== undefined) metadata.annotations[lastApplied] = applied.replace(/"name":"team-a"/, `"name":"${name}"`);
  object.spec = { ...spec, cluster: place.cluster, URL: `${url}/clusters/${place.path}` };
  return object;
}
