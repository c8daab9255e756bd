import { createPublicKey } from 'node:crypto';
import { deflateRawSync } from 'node:zlib';
import { CompactEncrypt } from 'jose';
import { base64url, compactJws } from './forge.ts';
import type { Forge } from './forge.ts';
import { SAYS } from './hostile-token.ts';
import type { HostileToken } from './hostile-token.ts';

/** Tokens whose form or header is wrong: RFC 7515 §4.1.11, RFC 7519 §5 and §7.2, RFC 8725 §3.11 and §3.12. */
export async function hostileShapes(forge: Forge): Promise<HostileToken[]> {
  return [...critical(forge), ...types(forge), ...(await nested(forge)), ...encodings(forge), ...documents(forge)];
}

function critical({ token }: Forge): HostileToken[] {
  const crit = (what: string, fields: object, says: string): HostileToken => [
    `crit ${what}`,
    token({ header: fields }),
    says,
  ];
  return [
    crit('of an extension nobody knows', { crit: ['exp'], exp: 1 }, SAYS.critical),
    crit('of a name of Object.prototype', { crit: ['toString'], toString: 1 }, SAYS.critical),
    crit('that is empty', { crit: [] }, SAYS.malformed),
    crit('that is text', { crit: 'b64', b64: true }, SAYS.malformed),
    crit('of a header that is not there', { crit: ['b64'] }, SAYS.malformed),
    crit('that leaves the payload unencoded (b64: false, RFC 7797)', { crit: ['b64'], b64: false }, SAYS.malformed),
  ];
}

/**
 * The same issuer signs other things with the same keys, for the same audience: a logout token (OpenID Connect Back-Channel
 * Logout §2.4), a security event (RFC 8417 §2.2), an introspection answer (RFC 9701 §5) say nothing of who is calling.
 */
function types({ token }: Forge): HostileToken[] {
  const other = ['logout+jwt', 'secevent+jwt', 'application/SECEVENT+JWT', 'dpop+jwt', 'token-introspection+jwt', 'oauth-authz-req+jwt', 'JOSE', 'text/plain', '']; // prettier-ignore
  const logout = { events: { 'http://schemas.openid.net/event/backchannel-logout': {} } };
  return [
    ...other.map((typ): HostileToken => [`typ ${JSON.stringify(typ)}`, token({ header: { typ } }), SAYS.type]),
    ['typ a number', token({ header: { typ: 1 } }), SAYS.type],
    ['a logout token that does not say its type', token({ header: { typ: 'JWT' }, claims: logout }), SAYS.event],
  ];
}

async function nested({ token, header, rsa, signer }: Forge): Promise<HostileToken[]> {
  const key = createPublicKey({ key: rsa, format: 'jwk' });
  const encrypt = (payload: string, fields: object): Promise<string> =>
    new CompactEncrypt(Buffer.from(payload)).setProtectedHeader({ alg: 'RSA-OAEP-256', enc: 'A256GCM', ...fields }).encrypt(key); // prettier-ignore
  const inner = token();
  const json = { payload: inner.split('.')[1], protected: inner.split('.')[0], signature: inner.split('.')[2] };
  return [
    ['encrypted (JWE)', await encrypt('{"sub":"alice"}', { kid: rsa.kid }), SAYS.malformed],
    ['encrypted around a right token (cty JWT)', await encrypt(inner, { cty: 'JWT' }), SAYS.malformed],
    ['signed around a right token (cty JWT)', token({ header: { cty: 'JWT' }, payload: inner }), SAYS.malformed],
    ['signed around signed around signed', token({ payload: compactJws(header, inner, signer) }), SAYS.malformed],
    ['in the JSON serialization, encoded', base64url(json), SAYS.malformed],
    ['with a compressed payload (zip)', token({ header: { zip: 'DEF' }, payload: deflateRawSync('{"sub":"alice"}') }), SAYS.malformed], // prettier-ignore
  ];
}

function encodings({ token }: Forge): HostileToken[] {
  const good = token();
  const [header = '', payload = '', signature = ''] = good.split('.');
  const row = (what: string, text: string): HostileToken => [what, text, SAYS.malformed];
  return [
    row('of no dots', 'garbage'),
    row('of two parts', `${header}.${payload}`),
    row('of four parts', `${good}.${signature}`),
    row('of dots', '..'),
    row('with an empty header', `.${payload}.${signature}`),
    row('with an empty payload', `${header}..${signature}`),
    row('padded', `${good}==`),
    row('in the alphabet of base64', `${header}.${payload}.+/${signature.slice(2)}`),
    ['with a letter too many', `${good}A`, SAYS.signature],
    row('with letters too many', `${good}AAAA~`),
    // RFC 4648 §3.5: the unused bits of the last letter, which a lenient decoder drops, make other names of the same token.
    row('whose last letter has unused bits set', `${good.slice(0, -1)}${neighbour(good.at(-1) ?? 'A')}`),
  ];
}

/** The letter of base64url that differs in its last bit. */
function neighbour(letter: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  return alphabet[alphabet.indexOf(letter) ^ 1] ?? '';
}

/** Header and payload that aren't JSON objects. */
function documents({ token, claims, signer }: Forge): HostileToken[] {
  const payload = (what: string, value: string | Uint8Array | unknown[] | null | number): HostileToken => [
    `payload ${what}`,
    token({ payload: value }),
    SAYS.malformed,
  ];
  const header = (what: string, value: unknown): HostileToken => [
    `header ${what}`,
    compactJws(value, claims, signer),
    SAYS.malformed,
  ];
  const badUtf8 = Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]);
  return [
    payload('no JSON', 'sub=alice'),
    payload('a list', [claims]),
    payload('null', null),
    payload('a number', 1),
    payload('text', '"alice"'),
    payload('not UTF-8', badUtf8),
    payload('with NaN', '{"exp":NaN}'),
    header('no JSON', 'alg=ES256'),
    header('a list', [{ alg: 'ES256' }]),
    header('null', null),
    header('not UTF-8', badUtf8),
  ];
}
