import { now } from './forge.ts';
import type { Forge } from './forge.ts';
import { SAYS } from './hostile-token.ts';
import type { HostileToken } from './hostile-token.ts';

/** Tokens that the issuer did sign, for somebody else, for another time or with claims of no sense. */
export function hostileClaims(forge: Forge): HostileToken[] {
  return [...times(forge), ...audiences(forge), ...issuers(forge), ...subjects(forge)];
}

function times({ token, claims }: Forge): HostileToken[] {
  const row = (name: string, value: unknown, says: string): HostileToken => [
    `${name} ${JSON.stringify(value) ?? 'missing'}`, // eslint-disable-line @typescript-eslint/no-unnecessary-condition -- undefined has no JSON
    token({ claims: { [name]: value } }),
    says,
  ];
  // JSON.parse makes Infinity of it: a token that never expires.
  const endless = JSON.stringify({ ...claims, exp: 0 }).replace('"exp":0', '"exp":1e999');
  const seconds = now();
  return [
    ['exp 120 s ago', token({ claims: { exp: seconds - 120 } }), SAYS.expired],
    ['exp a fraction of a second too old', token({ claims: { exp: seconds - 120.5 } }), SAYS.expired],
    row('exp', 0, SAYS.expired),
    row('exp', -1, SAYS.expired),
    row('exp', -1e300, SAYS.expired),
    row('exp', undefined, SAYS.claim('exp')),
    row('exp', null, SAYS.claim('exp')),
    row('exp', true, SAYS.claim('exp')),
    row('exp', [4e9], SAYS.claim('exp')),
    ['exp text', token({ claims: { exp: String(seconds + 600) } }), SAYS.claim('exp')],
    ['exp in milliseconds of the far future', token({ claims: { exp: 1e300 } }), SAYS.claim('exp')],
    ['exp beyond all numbers', token({ payload: endless }), SAYS.claim('exp')],
    ['nbf 300 s ahead', token({ claims: { nbf: seconds + 300 } }), SAYS.early],
    row('nbf', 1e300, SAYS.early),
    row('nbf', '0', SAYS.claim('nbf')),
    row('nbf', null, SAYS.claim('nbf')),
    row('iat', 'yesterday', SAYS.claim('iat')),
    row('iat', {}, SAYS.claim('iat')),
  ];
}

function audiences(forge: Forge): HostileToken[] {
  const { token, audience } = forge;
  const other = SAYS.audience(forge);
  const row = (what: string, aud: unknown, says = other): HostileToken => [
    `aud ${what}`,
    token({ claims: { aud } }),
    says,
  ];
  return [
    row('missing', undefined),
    row('null', null),
    row('empty', ''),
    row('an empty list', []),
    row('somebody else', 'somebody-else'),
    row('a list of others', ['somebody-else', 'account']),
    row('a part of ours', audience.slice(0, -1)),
    row('more than ours', `${audience}-2`),
    row('in capitals', audience.toUpperCase()),
    row('with a slash', `${audience}/`),
    row('with a space', `${audience} `),
    row('two in one text', `${audience} account`),
    row('an object', { [audience]: true }),
    row('a list in a list', [[audience]]),
    row('a list of ours and a number', [audience, 1], SAYS.claim('aud')),
    row('a list of ours and null', [null, audience], SAYS.claim('aud')),
  ];
}

function issuers(forge: Forge): HostileToken[] {
  const { token, issuerURL } = forge;
  const says = SAYS.issuer(forge);
  const row = (what: string, iss: unknown): HostileToken => [`iss ${what}`, token({ claims: { iss } }), says];
  return [
    row('missing', undefined),
    row('null', null),
    row('of somebody else', 'https://issuer.invalid'),
    row('with a slash', `${issuerURL}/`),
    row('in capitals', issuerURL.toUpperCase()),
    row('with a Cyrillic er', issuerURL.replace('p', '\u0440')),
    row('with a zero-width space', `${issuerURL}\u200b`),
    row('with a user', issuerURL.replace('https://', 'https://evil@')),
    row('over http', issuerURL.replace('https:', 'http:')),
    row('a list', [issuerURL]),
  ];
}

function subjects({ token }: Forge): HostileToken[] {
  const row = (what: string, sub: unknown): HostileToken => [
    `sub ${what}`,
    token({ claims: { sub } }),
    SAYS.claim('sub'),
  ];
  return [
    row('missing', undefined),
    row('empty', ''),
    row('null', null),
    row('a number', 7),
    row('an object', { id: 1 }),
  ];
}
