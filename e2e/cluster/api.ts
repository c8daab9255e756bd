import { readFile } from 'node:fs/promises';
import { Agent, request as httpsRequest } from 'node:https';
import { parse, parseAllDocuments } from 'yaml';
import { waitFor } from '../lib/wait.ts';

interface KubeconfigFile {
  clusters: [{ cluster: { server: string; 'certificate-authority-data': string } }];
  users: [{ user: { 'client-certificate-data': string; 'client-key-data': string } }];
}

/** What this folder reads of any Kubernetes object. */
export interface KubeObject {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string };
  spec?: unknown;
  status?: { conditions?: { type: string; status: string }[] };
}

export interface ApiRequest {
  method?: string;
  body?: unknown;
  contentType?: string;
}

/** An answer of the API server that is not a success. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly statusCode: number;
  constructor(statusCode: number, message: string) {
    super(message);
    this.statusCode = statusCode;
  }
}

/** An object to apply; the API server checks the rest of it. */
export interface Applied {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; [field: string]: unknown };
  [field: string]: unknown;
}

/** A few calls on an API server, for bringing a cluster up: no discovery, no cache, no retries. */
export interface Api {
  /**
   * One request; the path is used as it is.
   *
   * @returns the parsed JSON answer, or the text where it isn't JSON
   * @throws ApiError on any status but 2xx
   */
  request(path: string, options?: ApiRequest): Promise<unknown>;
  /** Server-side apply of one object to the path of its collection. */
  apply(collection: string, object: Applied): Promise<unknown>;
  close(): void;
}

/** Opens an {@link Api} with a kubeconfig that `writeKubeconfig` wrote. */
export async function openApi(kubeconfig: string): Promise<Api> {
  const config = parse(await readFile(kubeconfig, 'utf8')) as KubeconfigFile;
  const [{ cluster }] = config.clusters;
  const [{ user }] = config.users;
  const decode = (base64: string) => Buffer.from(base64, 'base64');
  const agent = new Agent({
    keepAlive: true,
    ca: decode(cluster['certificate-authority-data']),
    cert: decode(user['client-certificate-data']),
    key: decode(user['client-key-data']),
  });

  const request = (path: string, options: ApiRequest = {}) =>
    new Promise<unknown>((done, fail) => {
      const { method = 'GET', body, contentType = 'application/json' } = options;
      const headers = body === undefined ? {} : { 'content-type': contentType };
      const sent = httpsRequest(
        new URL(path, cluster.server),
        { method, headers, agent, timeout: 10_000 },
        (answer) => {
          const chunks: Buffer[] = [];
          answer.on('data', (chunk: Buffer) => chunks.push(chunk));
          answer.on('error', fail);
          answer.on('end', () => {
            const text = Buffer.concat(chunks).toString();
            const json = answer.headers['content-type']?.startsWith('application/json');
            const parsed: unknown = json && text ? JSON.parse(text) : text;
            const status = answer.statusCode ?? 0;
            if (status >= 200 && status < 300) done(parsed);
            else fail(new ApiError(status, `${method} ${path}: ${status} ${messageOf(parsed)}`));
          });
        },
      );
      sent.on('error', fail);
      sent.on('timeout', () => sent.destroy(new Error(`${method} ${path}: no answer within 10 s`)));
      sent.end(body === undefined ? undefined : JSON.stringify(body));
    });

  return {
    request,
    apply: (collection, object) =>
      request(`${collection}/${object.metadata.name}?fieldManager=e2e&force=true`, {
        method: 'PATCH',
        body: object,
        contentType: 'application/apply-patch+yaml',
      }),
    close: () => {
      agent.destroy();
    },
  };
}

/** Opens an {@link Api} for the time of `work`. */
export async function withApi<T>(kubeconfig: string, work: (api: Api) => Promise<T>): Promise<T> {
  const api = await openApi(kubeconfig);
  try {
    return await work(api);
  } finally {
    api.close();
  }
}

const crdCollection = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';

type CustomResourceDefinition = Applied & {
  spec: { group: string; names: { plural: string }; versions: { name: string; served: boolean }[] };
};

/**
 * Applies every CustomResourceDefinition in these YAML files and waits until each is served: Established, and its
 * collections answer (which comes a moment later).
 *
 * @throws when a file holds something else, is refused, or isn't served within 30 s
 */
export async function applyCRDs(api: Api, files: readonly string[]): Promise<void> {
  const texts = await Promise.all(files.map(async (file) => ({ file, text: await readFile(file, 'utf8') })));
  const crds = texts.flatMap(({ file, text }) =>
    parseAllDocuments(text).flatMap((document) => {
      const object = document.toJS() as CustomResourceDefinition | null;
      if (!object) return [];
      if (object.kind !== 'CustomResourceDefinition') throw new Error(`${file} holds a ${object.kind}, not only CRDs`);
      return [object];
    }),
  );
  await Promise.all(crds.map((crd) => api.apply(crdCollection, crd)));
  await Promise.all(crds.map((crd) => waitFor(`CRD ${crd.metadata.name} to be served`, () => isServed(api, crd), { deadlineMs: 30_000, intervalMs: 50 }))); // prettier-ignore
}

async function isServed(api: Api, crd: CustomResourceDefinition): Promise<boolean> {
  const current = (await api.request(`${crdCollection}/${crd.metadata.name}`)) as KubeObject;
  if (!hasCondition(current, 'Established')) return false;
  const { group, names, versions } = crd.spec;
  const served = versions.filter((version) => version.served);
  await Promise.all(served.map(({ name }) => api.request(`/apis/${group}/${name}/${names.plural}?limit=1`)));
  return true;
}

/** Whether a condition of the object is True. */
export function hasCondition(object: KubeObject, type: string): boolean {
  return object.status?.conditions?.some((each) => each.type === type && each.status === 'True') ?? false;
}

function messageOf(body: unknown): string {
  if (typeof body === 'string') return body.slice(0, 500);
  const { message } = (body ?? {}) as { message?: unknown };
  return typeof message === 'string' ? message : '';
}
