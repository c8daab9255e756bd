import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Pki } from './pki.ts';
import { clusterAnnotation, ownerAnnotation } from './workspace.ts';

interface AdmissionReview {
  request: {
    uid: string;
    operation: string;
    resource: { group: string; resource: string };
    userInfo: { username: string; uid?: string; groups?: string[] };
    object: { metadata?: { annotations?: Record<string, string> } } | null;
  };
}

/** What the planes call on every write (admission webhooks), so that objects carry what kcp writes into them. */
export interface AdmissionServer {
  /** Webhook URL for the plane of a logical cluster. */
  urlFor(cluster: string): string;
  caFile: string;
  close(): Promise<void>;
}

/** Serves the webhook on a free port of 127.0.0.1. */
export async function serveAdmission({ planes }: Pki): Promise<AdmissionServer> {
  const [cert, key] = await Promise.all([readFile(planes.serving.certFile), readFile(planes.serving.keyFile)]);
  const server = createServer({ cert, key, keepAliveTimeout: 90_000 }, (request, response) => {
    // The API server appends its timeout as a query.
    const cluster = (request.url ?? '').slice(1).replace(/\?.*$/, '');
    answer(request, cluster).then(
      (review) => response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(review)),
      () => response.writeHead(400).end(),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    urlFor: (cluster) => `https://127.0.0.1:${port}/${cluster}`,
    caFile: planes.ca.certFile,
    close: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

async function answer(request: IncomingMessage, cluster: string): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  const review = JSON.parse(Buffer.concat(chunks).toString('utf8')) as AdmissionReview;
  const patch = Buffer.from(JSON.stringify(patchFor(review, cluster))).toString('base64');
  return {
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    response: { uid: review.request.uid, allowed: true, patchType: 'JSONPatch', patch },
  };
}

function patchFor({ request }: AdmissionReview, cluster: string): object[] {
  const annotations = request.object?.metadata?.annotations ?? {};
  const added: Record<string, string> = { [clusterAnnotation]: cluster };
  const isWorkspace = request.resource.group === 'tenancy.kcp.io' && request.resource.resource === 'workspaces';
  if (isWorkspace && request.operation === 'CREATE') {
    const { username, uid, groups } = request.userInfo;
    added[ownerAnnotation] = JSON.stringify({ username, ...(uid ? { uid } : {}), ...(groups ? { groups } : {}) });
  }
  return [{ op: 'add', path: '/metadata/annotations', value: { ...annotations, ...added } }];
}
