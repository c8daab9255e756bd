import { open, stat } from 'node:fs/promises';

/** What the benchmark reads of an audit.k8s.io/v1 Event. */
interface AuditEvent {
  verb: string;
  requestURI: string;
  userAgent?: string;
  objectRef?: { resource?: string; subresource?: string; namespace?: string; name?: string; apiGroup?: string };
  responseStatus?: { code?: number };
  requestObject?: unknown;
  requestReceivedTimestamp: string;
  stageTimestamp: string;
  stage: string;
}

/** One answered request. */
export interface Request {
  verb: string;
  /** Plural, with the subresource: `deployments`, `kcpmcpservers/status`. */
  resource: string;
  namespace: string;
  name: string;
  uri: string;
  code: number;
  agent: string;
  /** Body, of those that the policy records with it. */
  body?: unknown;
  /** Milliseconds since the epoch, in fractions: when the API server got the request, and when it had answered. */
  fromMs: number;
  toMs: number;
}

const WRITES = new Set(['create', 'update', 'patch', 'delete', 'deletecollection']);

export const isWrite = ({ verb, resource }: Request): boolean =>
  // A review is a POST, but nothing is stored.
  WRITES.has(verb) && !/^(selfsubject|subjectaccess|token)/.test(resource);

/** Reads an audit log while it grows. */
export class AuditLog {
  readonly #file: string;
  #offset = 0;
  #rest = '';

  constructor(file: string) {
    this.#file = file;
  }

  /** Forgets what was written until now. */
  async skip(): Promise<void> {
    this.#offset = (await stat(this.#file)).size;
    this.#rest = '';
  }

  /** Requests that were answered since the last call; a watch counts when it has ended. */
  async read(): Promise<Request[]> {
    const file = await open(this.#file);
    try {
      const { size } = await file.stat();
      const buffer = Buffer.alloc(size - this.#offset);
      const { bytesRead } = await file.read(buffer, 0, buffer.length, this.#offset);
      this.#offset += bytesRead;
      const lines = (this.#rest + buffer.toString('utf8', 0, bytesRead)).split('\n');
      this.#rest = lines.pop() ?? '';
      return lines
        .map((line) => JSON.parse(line) as AuditEvent)
        .filter(({ stage }) => stage === 'ResponseComplete')
        .map(requestOf);
    } finally {
      await file.close();
    }
  }
}

function requestOf(event: AuditEvent): Request {
  const { resource = '', subresource, namespace = '', name = '' } = event.objectRef ?? {};
  return {
    verb: event.verb,
    resource: subresource === undefined ? resource : `${resource}/${subresource}`,
    namespace,
    name,
    uri: event.requestURI,
    code: event.responseStatus?.code ?? 0,
    agent: event.userAgent ?? '',
    ...(event.requestObject !== undefined && { body: event.requestObject }),
    fromMs: milliseconds(event.requestReceivedTimestamp),
    toMs: milliseconds(event.stageTimestamp),
  };
}

/** `metav1.MicroTime`, of which Date.parse drops the last three digits. */
function milliseconds(microTime: string): number {
  const micros = /\.\d{3}(\d{3})Z$/.exec(microTime)?.[1] ?? '0';
  return Date.parse(microTime) + Number(micros) / 1000;
}

/** The clock that the audit log's timestamps are of, in milliseconds with fractions. */
export const nowMs = (): number => performance.timeOrigin + performance.now();
