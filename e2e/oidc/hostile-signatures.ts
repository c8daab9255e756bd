import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { hmacSigner, signerOf, unsigned } from './forge.ts';
import type { Forge } from './forge.ts';
import { SAYS } from './hostile-token.ts';
import type { HostileToken } from './hostile-token.ts';

/** Tokens whose algorithm, key or signature is wrong (RFC 8725 §2.1, §3.1, §3.2, §3.10). */
export function hostileSignatures(forge: Forge): HostileToken[] {
  return [...algorithms(forge), ...symmetric(forge), ...keys(forge), ...signatures(forge)];
}

function algorithms({ token, rsa, ec }: Forge): HostileToken[] {
  const odd: [string, unknown, string][] = [
    ['in lower case', 'es256', SAYS.algorithm],
    ['with a space', 'ES256 ', SAYS.algorithm],
    ['of another family that jose knows', 'ML-DSA-44', SAYS.algorithm],
    ['of key wrapping', 'RSA-OAEP', SAYS.algorithm],
    ['that is empty', '', SAYS.malformed],
    ['missing', undefined, SAYS.malformed],
    ['null', null, SAYS.malformed],
    ['a list', ['ES256'], SAYS.malformed],
    ['an object', { name: 'ES256' }, SAYS.malformed],
    ['a name of Object.prototype', 'constructor', SAYS.algorithm],
  ];
  const secp256k1 = generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).privateKey;
  const stranger = rsaKey(2048);
  return [
    ...odd.map(([what, alg, says]): HostileToken => [`alg ${what}`, token({ header: { alg } }), says]),
    ...['none', 'None', 'NONE', 'nOnE'].map((alg): HostileToken => [`alg ${alg}`, token({ header: { alg }, signer: unsigned }), SAYS.algorithm]), // prettier-ignore
    ['ES256K', token({ header: { alg: 'ES256K' }, signer: signerOf('ES256', secp256k1) }), SAYS.algorithm],
    ['RS256 with the kid of an EC key', token({ header: { alg: 'RS256' }, signer: signerOf('RS256', stranger) }), SAYS.key], // prettier-ignore
    ['ES256 with the kid of an RSA key', token({ header: { kid: rsa.kid } }), SAYS.key],
    ['ES512 with the kid of a P-256 key', token({ header: { alg: 'ES512' }, signer: signerOf('ES512', ec) }), SAYS.key],
    ['PS256 with a key published for RS256', token({ header: { alg: 'PS256', kid: rsa.kid }, signer: signerOf('PS256', rsa) }), SAYS.key], // prettier-ignore
  ];
}

/** What everybody knows as the secret of an HMAC: a verifier that lets the token choose the algorithm takes it. */
function symmetric({ token, rsa, ec }: Forge): HostileToken[] {
  const pem = createPublicKey({ key: rsa, format: 'jwk' }).export({ type: 'spki', format: 'pem' });
  const { n = '', kid } = rsa;
  const row = (what: string, alg: string, secret: string | Buffer, header: object = {}): HostileToken => [
    `${alg} with ${what}`,
    token({ header: { alg, kid, ...header }, signer: hmacSigner(alg, secret) }),
    SAYS.algorithm,
  ];
  return [
    ...['HS256', 'HS384', 'HS512'].map((alg) => row('the public key as secret', alg, pem)),
    row('the DER of the public key', 'HS256', createPublicKey({ key: ec, format: 'jwk' }).export({ type: 'spki', format: 'der' }), { kid: ec.kid }), // prettier-ignore
    row('the modulus', 'HS256', Buffer.from(n, 'base64url')),
    row('an empty secret and the kid of an empty file', 'HS256', '', { kid: '../../../../dev/null' }),
    row('the secret that an SQL kid selects', 'HS256', 'x', { kid: "' UNION SELECT 'x' -- " }),
  ];
}

function keys({ token, trapURL }: Forge): HostileToken[] {
  const ecKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  const stranger = signerOf('ES256', ecKey);
  const jwk = createPublicKey(ecKey).export({ format: 'jwk' });
  const x5c = [createPublicKey(ecKey).export({ type: 'spki', format: 'der' }).toString('base64')];
  const unknown = (kid: unknown): string => token({ header: { kid }, signer: stranger });
  return [
    ['by a stranger with a known kid', token({ signer: stranger }), SAYS.signature],
    ['by a stranger with an unknown kid', unknown('nobody-knows-this-key'), SAYS.key],
    ['by a 1024-bit RSA key with an unknown kid', token({ header: { alg: 'RS256', kid: 'weak' }, signer: signerOf('RS256', rsaKey(1024)) }), SAYS.key], // prettier-ignore
    ['kid an address', unknown(`${trapURL}/jwks`), SAYS.key],
    ['kid a path', unknown('/etc/passwd'), SAYS.key],
    ['kid __proto__', unknown('__proto__'), SAYS.key],
    ['kid a number', unknown(1), SAYS.key],
    ['kid an object', unknown({ $ne: null }), SAYS.key],
    ['kid a list', unknown(['a', 'b']), SAYS.key],
    ['kid empty', unknown(''), SAYS.key],
    ['kid of 8 KiB', unknown('k'.repeat(8192)), SAYS.key],
    ['jku of a stranger', token({ header: { jku: `${trapURL}/jwks`, kid: 'trap' }, signer: stranger }), SAYS.key],
    ['jku of a stranger, known kid', token({ header: { jku: `${trapURL}/jwks` }, signer: stranger }), SAYS.signature],
    ['x5u of a stranger', token({ header: { x5u: `${trapURL}/cert.pem` }, signer: stranger }), SAYS.signature],
    ['jwk of a stranger', token({ header: { jwk }, signer: stranger }), SAYS.signature],
    ['jwk of a stranger, no kid', token({ header: { jwk, kid: undefined }, signer: stranger }), SAYS.signature],
    ['x5c of a stranger', token({ header: { x5c }, signer: stranger }), SAYS.signature],
  ];
}

function signatures({ token, claims, signer }: Forge): HostileToken[] {
  const good = token();
  const [header = '', payload = '', signature = ''] = good.split('.');
  const replaced = token({ claims: { sub: 'bob', email: 'bob@example.com' } }).split('.')[1] ?? '';
  const flipped = Buffer.from(signature, 'base64url');
  flipped[0] = (flipped[0] ?? 0) ^ 1;
  return [
    ['with the signature cut off', `${header}.${payload}.`, SAYS.signature],
    ['with half a signature', `${header}.${payload}.${signature.slice(0, 40)}`, SAYS.signature],
    ['with one bit of the signature changed', `${header}.${payload}.${flipped.toString('base64url')}`, SAYS.signature],
    // CVE-2022-21449: r = s = 0 fits every message where the verifier forgets to look.
    ['with a signature of zeros', token({ signer: () => Buffer.alloc(64) }), SAYS.signature],
    ['with an ASN.1 signature', token({ signer: (input) => asn1(signer(input)) }), SAYS.signature],
    ['with the signature of another token', `${header}.${payload}.${token({ claims: { ...claims, sub: 'bob' } }).split('.')[2] ?? ''}`, SAYS.signature], // prettier-ignore
    ['with the payload replaced', `${header}.${replaced}.${signature}`, SAYS.signature],
  ];
}

/** A SEQUENCE around r and s, as OpenSSL writes ECDSA signatures. */
function asn1(raw: Buffer): Buffer {
  const integer = (bytes: Buffer): Buffer => Buffer.concat([Buffer.from([2, bytes.length + 1, 0]), bytes]);
  const both = Buffer.concat([integer(raw.subarray(0, 32)), integer(raw.subarray(32))]);
  return Buffer.concat([Buffer.from([0x30, both.length]), both]);
}

function rsaKey(modulusLength: number): KeyObject {
  return generateKeyPairSync('rsa', { modulusLength }).privateKey;
}
