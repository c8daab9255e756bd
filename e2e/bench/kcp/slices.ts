import type { IncomingMessage, ServerResponse } from 'node:http';
import { sendJSON } from '../../kcp/status.ts';
import { recordedBody } from './recordings.ts';

const bookmarkIntervalMs = 10_000;
const apiVersion = 'apis.kcp.io/v1alpha1';

/** Whether a request is for the list of shards: `/clusters/root/apis/apis.kcp.io/v1alpha1/apiexportendpointslices`. */
export function isSliceRequest(path: string, inside: string): boolean {
  return path === 'root' && inside.startsWith(`/apis/${apiVersion}/apiexportendpointslices?`);
}

/** Answers a list or a watch of it: one shard, this server, and nothing that ever changes. */
export function serveSlices(request: IncomingMessage, response: ServerResponse, url: string): void {
  const query = new URL(request.url ?? '/', url).searchParams;
  const text = JSON.stringify(recordedBody('apiexportendpointslice-tenancy')).replaceAll('<kcp>', url);
  const metadata = { resourceVersion: '17158' };
  if (query.get('watch') !== 'true') {
    sendJSON(response, 200, { apiVersion, kind: 'APIExportEndpointSliceList', metadata, items: [JSON.parse(text)] });
    return;
  }
  response.writeHead(200, { 'content-type': 'application/json' });
  response.flushHeaders();
  const bookmark = { type: 'BOOKMARK', object: { apiVersion, kind: 'APIExportEndpointSlice', metadata } };
  const timer = setInterval(() => response.write(`${JSON.stringify(bookmark)}\n`), bookmarkIntervalMs);
  const end = setTimeout(() => response.end(), Number(query.get('timeoutSeconds') ?? '300') * 1000);
  response.once('close', () => {
    clearInterval(timer);
    clearTimeout(end);
  });
}
