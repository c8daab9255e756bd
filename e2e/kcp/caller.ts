import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import type { Credentials } from './plane-client.ts';

/** Who sent a request, as far as the front can tell without asking a plane. */
export type Caller =
  | {
      kind: 'known';
      credentials: Credentials;
      /** Stands for the credentials in caches; reveals nothing. */ key: string;
    }
  | { kind: 'anonymous' }
  /** Presented something that can't be right, such as a certificate of another CA. */
  | { kind: 'refused' };

/** Reads client certificate (it counts first, as in kube-apiserver) or bearer token, and impersonation headers. */
export function callerOf(request: IncomingMessage): Caller {
  const credentials = credentialsOf(request);
  if (typeof credentials === 'string') return { kind: credentials };
  const key = createHash('sha256').update(JSON.stringify(credentials)).digest('base64url');
  return { kind: 'known', credentials, key };
}

function credentialsOf(request: IncomingMessage): Credentials | 'anonymous' | 'refused' {
  const impersonation = impersonationHeaders(request);
  // An HTTPS server's sockets are TLS sockets; the types don't say so.
  // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment
  const socket = request.socket as TLSSocket;
  // The types promise a certificate; without one the object is empty.
  const certificate = socket.getPeerCertificate() as Partial<ReturnType<TLSSocket['getPeerCertificate']>> | undefined;
  if (certificate?.subject) {
    if (!socket.authorized) return 'refused';
    const { CN, O } = certificate.subject as unknown as { CN: string; O?: string | string[] };
    return { kind: 'user', user: CN, groups: O === undefined ? [] : [O].flat(), ...impersonation };
  }
  const { authorization } = request.headers;
  if (authorization === undefined) return 'anonymous';
  return /^Bearer +\S/i.test(authorization) ? { kind: 'bearer', authorization, ...impersonation } : 'anonymous';
}

/** Claim `aud` of a bearer token, unchecked: for the log. */
export function audienceOf(authorization: string | undefined): string | string[] | undefined {
  const [, payload] = /^Bearer +[^.]+\.([^.]+)\.[^.]+$/i.exec(authorization ?? '') ?? [];
  if (payload === undefined) return undefined;
  try {
    const { aud } = JSON.parse(Buffer.from(payload, 'base64url').toString()) as { aud?: unknown };
    return typeof aud === 'string' || Array.isArray(aud) ? (aud as string | string[]) : undefined;
  } catch {
    return undefined;
  }
}

function impersonationHeaders(request: IncomingMessage): Pick<Credentials, 'impersonation'> {
  const found: Record<string, string | string[]> = {};
  for (const [name, values] of Object.entries(request.headersDistinct)) {
    if (name.startsWith('impersonate-') && values) found[name] = values;
  }
  return Object.keys(found).length > 0 ? { impersonation: found } : {};
}
