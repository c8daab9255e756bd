import { pageOf } from '../../kcp/pages.ts';
import type { RequestInfo } from '../../kcp/request-info.ts';
import { objectNotFound } from '../../kcp/status.ts';
import type { Discovery } from './discovery.ts';
import { configMaps, workspaces } from './objects.ts';
import type { Collection } from './objects.ts';
import type { Place } from './places.ts';
import { recordedBody } from './recordings.ts';

/** An answer, written out: what is asked twice is made once. */
export interface Answer {
  status: number;
  contentType: string;
  body: Buffer;
}

const aggregated = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';

export function answer(body: unknown, status = 200, contentType = 'application/json'): Answer {
  return { status, contentType, body: Buffer.from(`${JSON.stringify(body)}\n`) };
}

export interface Question {
  info: RequestInfo;
  query: URLSearchParams;
  accept: string;
}

/** What a real kcp would answer to a GET of somebody who may enter the workspace; undefined for what isn't there. */
export function answerInside(
  place: Place,
  { info, query, accept }: Question,
  discovery: Discovery,
): Answer | undefined {
  const { path, resource, group, version, name } = info;
  if (path === '/version') return answer(recordedBody('version-access'));
  if (path === '/api') return answer(discovery.core, 200, aggregated);
  if (path === '/apis') return answer(discovery.groups);
  const list = discovery.versions.get(path);
  if (list !== undefined) return answer(list);
  const asTable = accept.includes('as=Table');
  const includeObject = query.get('includeObject') !== 'None';
  const pick = ({ list: objects, table }: Collection): Answer => answer(asTable ? table : objects);
  const kind = `${group}/${version}/${resource}`;
  if (kind === '/v1/namespaces' && name === '') return answer(recordedBody('namespaces-list'));
  if (kind === '/v1/configmaps' && name === '') return pick(configMaps(place, includeObject));
  if (kind !== 'tenancy.kcp.io/v1alpha1/workspaces') return undefined;
  if (name !== '') {
    const found = place.children.find((child) => child.metadata.name === name);
    return found ? answer(found) : answer(objectNotFound(resource, group, name), 404);
  }
  const page = pageOf(place.children, query, 17158);
  return page && pick(workspaces(page, includeObject));
}
