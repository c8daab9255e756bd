import { recordedBody } from './recordings.ts';
import type { Page } from '../../kcp/pages.ts';
import type { Place } from './places.ts';

/** One collection of a workspace, as objects and as kcp's table of them. */
export interface Collection {
  list: unknown;
  table: unknown;
}

const resourceVersion = '17158';

interface Table {
  columnDefinitions: { name: string; type: string; format: string; description: string; priority: number }[];
  rows: unknown[];
}

/** The ConfigMaps of every workspace: one, in namespace `default`. */
export function configMaps(place: Place, includeObject: boolean): Collection {
  const metadata = {
    name: 'settings',
    namespace: 'default',
    uid: '4f9d1c52-6a0e-4a7c-8f0b-0d6a4c2f7e11',
    resourceVersion: '16001',
    creationTimestamp: '2026-11-22T19:25:20Z',
    annotations: { 'kcp.io/cluster': place.cluster },
    managedFields: [
      {
        manager: 'kubectl-create',
        operation: 'Update',
        apiVersion: 'v1',
        time: '2026-11-22T19:25:20Z',
        fieldsType: 'FieldsV1',
        fieldsV1: { 'f:data': { '.': {}, 'f:currency': {}, 'f:theme': {} } },
      },
    ],
  };
  const [name, age] = nameAndAge();
  return {
    list: {
      kind: 'ConfigMapList',
      apiVersion: 'v1',
      metadata: { resourceVersion },
      items: [{ metadata, data: { currency: 'EUR', theme: 'dark' } }],
    },
    table: {
      kind: 'Table',
      apiVersion: 'meta.k8s.io/v1',
      metadata: { resourceVersion },
      columnDefinitions: [
        name,
        { name: 'Data', type: 'string', format: '', description: 'Data contains the configuration data.', priority: 0 },
        age,
      ],
      rows: [{ cells: ['settings', 2, '18m'], object: includeObject ? partial(metadata) : null }],
    },
  };
}

/** A page of the Workspace objects in a workspace. */
export function workspaces({ items, metadata }: Page, includeObject: boolean): Collection {
  const { columnDefinitions } = recordedBody('workspaces-list-table') as Table;
  return {
    list: {
      apiVersion: 'tenancy.kcp.io/v1alpha1',
      items,
      kind: 'WorkspaceList',
      metadata,
    },
    table: {
      kind: 'Table',
      apiVersion: 'meta.k8s.io/v1',
      metadata: { ...metadata, continue: metadata.continue === '' ? undefined : metadata.continue },
      columnDefinitions,
      rows: items.map(({ metadata: own, spec, status }) => ({
        cells: [own.name, spec?.type?.name, null, status?.phase, spec?.URL, '18m'],
        object: includeObject ? partial(own) : null,
      })),
    },
  };
}

function partial(metadata: unknown): unknown {
  return { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata };
}

/** The columns that all kinds have, with the descriptions that make tables as large as they are. */
function nameAndAge(): [unknown, unknown] {
  const { columnDefinitions } = recordedBody('workspaces-list-table') as Table;
  return [columnDefinitions[0], { ...columnDefinitions.at(-1), type: 'string' }];
}
