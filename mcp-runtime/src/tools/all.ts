import { configurationView } from './config/configuration-view.ts';
import { workspaceList } from './config/workspace-list.ts';
import { eventsList } from './core/events-list.ts';
import { namespacesList } from './core/namespaces-list.ts';
import { nodesLog } from './core/nodes-log.ts';
import { nodesStatsSummary } from './core/nodes-stats-summary.ts';
import { nodesTop } from './core/nodes-top.ts';
import { podsDelete } from './core/pods-delete.ts';
import { podsExec } from './core/pods-exec.ts';
import { podsGet } from './core/pods-get.ts';
import { podsListInNamespace } from './core/pods-list-in-namespace.ts';
import { podsList } from './core/pods-list.ts';
import { podsLog } from './core/pods-log.ts';
import { podsRun } from './core/pods-run.ts';
import { podsTop } from './core/pods-top.ts';
import { projectsList } from './core/projects-list.ts';
import { resourcesCreateOrUpdate } from './core/resources-create-or-update.ts';
import { resourcesDelete } from './core/resources-delete.ts';
import { resourcesGet } from './core/resources-get.ts';
import { resourcesList } from './core/resources-list.ts';
import { resourcesScale } from './core/resources-scale.ts';
import { accessCheck } from './kcp/access-check.ts';
import { apibindingCreate } from './kcp/apibinding-create.ts';
import { apibindingsList } from './kcp/apibindings-list.ts';
import { apiexportsList } from './kcp/apiexports-list.ts';
import { apiResourcesList } from './kcp/api-resources-list.ts';
import { find } from './kcp/find.ts';
import { logicalclusterGet } from './kcp/logicalcluster-get.ts';
import { whoami } from './kcp/whoami.ts';
import { workspaceCreate } from './kcp/workspace-create.ts';
import { workspaceDelete } from './kcp/workspace-delete.ts';
import { workspaceDescribe } from './kcp/workspace-describe.ts';
import { workspaceTypesList } from './kcp/workspace-types-list.ts';
import { workspacesList } from './kcp/workspaces-list.ts';
import type { Tool } from './tool.ts';

/** Every tool there is, in the order that clients see. */
export const ALL_TOOLS: readonly Tool[] = [
  workspacesList,
  workspaceDescribe,
  find,
  whoami,
  accessCheck,
  workspaceCreate,
  workspaceDelete,
  workspaceTypesList,
  apiResourcesList,
  apiexportsList,
  apibindingsList,
  apibindingCreate,
  logicalclusterGet,
  namespacesList,
  projectsList,
  resourcesList,
  resourcesGet,
  resourcesCreateOrUpdate,
  resourcesDelete,
  resourcesScale,
  eventsList,
  podsList,
  podsListInNamespace,
  podsGet,
  podsLog,
  podsExec,
  podsRun,
  podsDelete,
  podsTop,
  nodesTop,
  nodesLog,
  nodesStatsSummary,
  configurationView,
  workspaceList,
];
