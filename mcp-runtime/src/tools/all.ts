import { namespacesList } from './core/namespaces-list.ts';
import { resourcesCreateOrUpdate } from './core/resources-create-or-update.ts';
import { resourcesDelete } from './core/resources-delete.ts';
import { resourcesGet } from './core/resources-get.ts';
import { resourcesList } from './core/resources-list.ts';
import { resourcesScale } from './core/resources-scale.ts';
import { workspaceDescribe } from './kcp/workspace-describe.ts';
import { workspacesList } from './kcp/workspaces-list.ts';
import type { Tool } from './tool.ts';

/** Every tool there is, in the order that clients see. */
export const ALL_TOOLS: readonly Tool[] = [
  workspacesList,
  workspaceDescribe,
  namespacesList,
  resourcesList,
  resourcesGet,
  resourcesCreateOrUpdate,
  resourcesDelete,
  resourcesScale,
];
