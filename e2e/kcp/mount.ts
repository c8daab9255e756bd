import type { IncomingMessage, ServerResponse } from 'node:http';
import { readFile } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Agent, request as send } from 'undici';
import { frontIdentity } from './plane-client.ts';
import type { PlaneClient } from './plane-client.ts';
import type { Plane } from './plane.ts';
import type { Workspace } from './workspace.ts';

type Mount = NonNullable<NonNullable<Workspace['spec']>['mount']>;

/** What the object that a mounted Workspace refers to says of itself: where its API server is, and whether it is ready. */
export async function mountStatus(
  client: PlaneClient,
  parent: Plane,
  { ref }: Mount,
): Promise<{ URL: string; phase: string }> {
  const { apiVersion, kind, name } = ref;
  const path = `/apis/${apiVersion}`;
  const list = (await client.json(parent.url, frontIdentity, { path })) as {
    resources: { name: string; kind: string }[];
  };
  const resource = list.resources.find((each) => each.kind === kind && !each.name.includes('/'))?.name;
  if (resource === undefined) throw new Error(`${apiVersion} has no kind ${kind}`);
  const object = (await client.json(parent.url, frontIdentity, { path: `${path}/${resource}/${name}` })) as {
    status?: { URL?: string; phase?: string };
  };
  const { URL = '', phase = '' } = object.status ?? {};
  if (URL === '') throw new Error(`${kind} ${name} has no status.URL`);
  return { URL, phase };
}

/** Sends requests on to API servers that are mounted. */
export class MountProxy {
  readonly #agent: Agent;

  private constructor(ca: Buffer) {
    this.#agent = new Agent({ connect: { ca }, headersTimeout: 0, bodyTimeout: 0 });
  }

  /** @param caFile the CA that mounted API servers are to be trusted by */
  static async open(caFile: string): Promise<MountProxy> {
    return new MountProxy(await readFile(caFile));
  }

  /** Passes a request on to a mounted API server with whatever credentials it came, and the answer back. */
  async forward(request: IncomingMessage, response: ServerResponse, url: string): Promise<void> {
    const { host: _, connection: __, ...headers } = request.headers;
    const answer = await send(url, {
      dispatcher: this.#agent,
      method: (request.method ?? 'GET') as 'GET',
      headers: headers as Record<string, string>,
      ...(headers['content-length'] !== undefined && { body: request }),
    });
    const { connection: ___, ...answered } = answer.headers;
    response.writeHead(answer.statusCode, answered as Record<string, string>);
    await pipeline(answer.body as Readable, response);
  }

  close(): Promise<void> {
    return this.#agent.destroy();
  }
}
