import { X509Certificate, createPrivateKey } from 'node:crypto';
import { isObject, stringAt } from './json.ts';
import type { JsonObject } from './json.ts';
import { KubeconfigError, NoCredentialsError } from './kubeconfig-error.ts';

/** Who a kubeconfig says one is. Its credentials aren't enumerable: spreading, JSON and `console.log` leave them out. */
export interface Identity {
  /** For people and logs: the certificate's common name, else `sub` of a token that is a JWT, else the entry of the kubeconfig. */
  readonly name: string;
  /** PEM: client certificate chain and its key. */
  readonly certificate?: { readonly cert: string; readonly key: string };
  /** Bearer token. */
  readonly token?: string;
}

const OWN_IDENTITY =
  'remove it: kcp sees each caller\'s own token, this server has no identity of its own (cluster_auth_mode = "passthrough")';

const INLINE = 'credentials stand in the file itself: client-certificate-data with client-key-data, or token';
const ACCEPTED = new Set(['client-certificate-data', 'client-key-data', 'token']);

/** @throws {KubeconfigError} where the user has credentials of any kind. */
export function refuseCredentials(user: unknown, name: string): void {
  for (const key of fieldsOf(user)) {
    throw new KubeconfigError(`user ${JSON.stringify(name)}: ${key} is not accepted: ${OWN_IDENTITY}`);
  }
}

/**
 * The identity of a kubeconfig's user, inline.
 * @throws {KubeconfigError} where it has two, or another kind; {@link NoCredentialsError} where it has none.
 */
export function parseIdentity(user: unknown, name: string): Identity {
  const who = `user ${JSON.stringify(name)}`;
  for (const key of fieldsOf(user)) {
    if (!ACCEPTED.has(key)) throw new KubeconfigError(`${who}: ${key} is not accepted: ${INLINE}`);
  }
  const token = stringAt(user, 'token');
  const cert = stringAt(user, 'client-certificate-data');
  const key = stringAt(user, 'client-key-data');
  if ((cert === undefined) !== (key === undefined)) {
    const missing = cert === undefined ? 'client-certificate-data' : 'client-key-data';
    throw new KubeconfigError(`${who}: ${missing} is missing: a client certificate goes together with its key`);
  }
  if (cert !== undefined && key !== undefined) {
    if (token !== undefined) {
      throw new KubeconfigError(`${who} has a client certificate and a token: keep the one that is to count`);
    }
    const certificate = parsePair(cert, key, who);
    return hidden(commonName(certificate.cert) ?? name, { certificate });
  }
  if (token === undefined) throw new NoCredentialsError(`${who} has no credentials: ${INLINE}`);
  // RFC 6750 §2.1
  if (!/^[\w\-.~+/]+=*$/.test(token)) throw new KubeconfigError(`${who}: token is not a bearer token`);
  return hidden(subjectOf(token) ?? name, { token });
}

function hidden(name: string, credentials: Omit<Identity, 'name'>): Identity {
  const fields = Object.entries(credentials).map(([field, value]) => [field, { value, enumerable: false }]);
  return Object.freeze(
    Object.defineProperties({ name }, Object.fromEntries(fields) as PropertyDescriptorMap) as Identity,
  );
}

function commonName(cert: string): string | undefined {
  return stringAt(new X509Certificate(cert).toLegacyObject(), 'subject', 'CN');
}

/** `sub` of a JWT (a service account's token is one): not verified, for it is our own. */
function subjectOf(token: string): string | undefined {
  try {
    return stringAt(JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()), 'sub');
  } catch {
    return undefined;
  }
}

function parsePair(certData: string, keyData: string, who: string): { cert: string; key: string } {
  const cert = parseCertificates(certData, `${who}: client-certificate-data`);
  const key = Buffer.from(keyData, 'base64').toString('utf8');
  let matches: boolean;
  try {
    matches = new X509Certificate(cert).checkPrivateKey(createPrivateKey(key));
  } catch {
    throw new KubeconfigError(`${who}: client-key-data holds no PEM private key, base64-encoded and not encrypted`);
  }
  if (!matches) throw new KubeconfigError(`${who}: client-key-data is not the key of client-certificate-data`);
  return { cert, key };
}

/**
 * The certificates of a PEM text, base64-encoded.
 * @param where for the message.
 * @throws {KubeconfigError}
 */
export function parseCertificates(data: unknown, where: string): string {
  return readCertificates(typeof data === 'string' ? Buffer.from(data, 'base64').toString('utf8') : '', where, {
    none: 'holds no PEM certificate, base64-encoded',
  });
}

/** The certificates of a PEM text, and nothing else of it. @throws {KubeconfigError} where it has none, or a broken one. */
export function readCertificates(pem: string, where: string, { none = 'holds no PEM certificate' } = {}): string {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length === 0) throw new KubeconfigError(`${where} ${none}`);
  for (const block of blocks) {
    try {
      new X509Certificate(block);
    } catch {
      throw new KubeconfigError(`${where} holds a certificate that cannot be read`);
    }
  }
  return blocks.join('\n');
}

function fieldsOf(user: unknown): string[] {
  const fields: JsonObject = isObject(user) ? user : {};
  return Object.entries(fields)
    .filter(([key, value]) => key !== 'extensions' && value !== null && value !== '')
    .map(([key]) => key);
}
