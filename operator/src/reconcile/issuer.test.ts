import { describe, expect, test } from '@jest/globals';
import type { Condition } from '../api/kcp-mcp-server.ts';
import type { IssuerAnswer } from '../outbound/issuer.ts';
import { forbidden } from './errors.ts';
import { observeIssuer } from './issuer.ts';
import type { Deployment } from './objects.ts';
import type { Run } from './run.ts';
import { holds, newReport, progressing } from './status.ts';
import { testServer, type ServerOptions } from './testing/objects.ts';

const ISSUER = 'https://auth.example.com';
const GOOD: IssuerAnswer = { outcome: 'verified', registersClients: true };
const AWAY: IssuerAnswer = { outcome: 'failed', kind: 'refused', why: 'auth.example.com refuses connections' };

interface World extends ServerOptions {
  issuer?: Run['issuer'];
  issuerURL?: string;
  caRef?: object;
  inherited?: Run['inherited'];
  /** Pods of the current template are up, or those of an earlier one, or none. */
  pods?: 'current' | 'earlier' | 'none';
}

function observed({ issuer, issuerURL = ISSUER, caRef, inherited, pods = 'none', ...options }: World) {
  const oidc = { issuerURL, audience: 'platform-mesh', ...(caRef && { caRef }) };
  const server = testServer({ spec: { auth: { oidc } }, ...options });
  const report = newReport();
  report.facts.oidc = { issuer: issuerURL, audience: 'platform-mesh' };
  report.causes.Available =
    pods === 'current'
      ? holds('MinimumReplicasAvailable', '')
      : progressing(pods === 'none' ? 'False' : 'Unknown', 'RollingOut', '');
  const deployment: Deployment = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'x' },
    status: { readyReplicas: pods === 'none' ? 0 : 1 },
  };
  const run = { server, report, ...(issuer && { issuer }), ...(inherited && { inherited }) } as Run;
  observeIssuer(run, deployment);
  return { finding: report.causes.OIDCReady, oidc: report.facts.oidc };
}

describe('what the issuer answers', () => {
  test.each<[string, World, string, string]>([
    ['all that is wanted', { issuer: { answer: GOOD } }, 'True IssuerVerified', ISSUER],
    [
      'that it registers nobody',
      { issuer: { answer: { outcome: 'verified', registersClients: false } } },
      'True NoClientRegistration',
      'Enable dynamic client registration',
    ],
    [
      'another name',
      { issuer: { answer: { outcome: 'mismatch', named: 'https://sso.example.com' } } },
      'False IssuerMismatch',
      `spec.auth.oidc.issuerURL is ${ISSUER}, but the issuer there names itself https://sso.example.com`,
    ],
    [
      'its name with a slash',
      { issuer: { answer: { outcome: 'mismatch', named: `${ISSUER}/` } } },
      'False IssuerMismatch',
      'they differ in the slash at the end',
    ],
    [
      'no keys',
      { issuer: { answer: { outcome: 'no-keys', why: 'the key set at https://x is empty' } } },
      'False NoKeys',
      'the key set at https://x is empty',
    ],
    ['nothing yet', {}, 'Unknown Checking', 'is being asked'],
  ])('%s: %s', (_, world, expected, says) => {
    const { finding } = observed(world);
    expect(`${finding?.status} ${finding?.reason}`).toBe(expected);
    expect(finding?.message).toContain(says);
  });

  test('the name that it gives itself can’t move the cursor', () => {
    const { finding } = observed({ issuer: { answer: { outcome: 'mismatch', named: 'https://\u001b[2Jx\u202e' } } });
    expect(finding?.message).not.toMatch(/\p{Cc}|\p{Cf}/u);
  });

  test('Keycloak’s policy Trusted Hosts is named where it may be what refuses people', () => {
    const issuerURL = 'https://sso.example.com/realms/kcp';
    expect(observed({ issuerURL, issuer: { answer: GOOD } }).finding?.message).toContain('Trusted Hosts');
    expect(observed({ issuer: { answer: GOOD } }).finding?.message).not.toContain('Trusted Hosts');
  });
});

describe('an issuer that is away', () => {
  test.each<[NonNullable<World['pods']>, string, boolean]>([
    ['none', 'False IssuerUnreachable', false],
    ['earlier', 'Unknown IssuerUnreachable', false],
    ['current', 'Unknown IssuerUnreachable', true],
  ])('with keys in Pods: %s', (pods, expected, tolerated) => {
    const { finding } = observed({ issuer: { answer: AWAY }, pods });
    expect(`${finding?.status} ${finding?.reason}`).toBe(expected);
    expect(finding?.tolerated ?? false).toBe(tolerated);
    expect(finding?.message).toContain(`can't reach the issuer ${ISSUER}: auth.example.com refuses connections`);
  });

  test.each<[(IssuerAnswer & { outcome: 'failed' })['kind'], object | undefined, string, string]>([
    ['dns', undefined, 'IssuerUnreachable', 'spec.deployment.hostAliases'],
    ['address', undefined, 'IssuerUnreachable', '--allow-local-addresses'],
    ['timeout', undefined, 'IssuerUnreachable', 'NetworkPolicies'],
    ['certificate', undefined, 'IssuerUnreachable', "Name the issuer's CA in spec.auth.oidc.caRef"],
    ['certificate', { name: 'idp-ca' }, 'IssuerUnreachable', 'key ca.crt of ConfigMap idp-ca'],
    ['redirect', undefined, 'DiscoveryFailed', 'Correct spec.auth.oidc.issuerURL'],
    ['answer', undefined, 'DiscoveryFailed', '/realms/REALM'],
  ])('%s (CA: %j): %s, and what to do', (kind, caRef, reason, says) => {
    const { finding } = observed({
      issuer: { answer: { outcome: 'failed', kind, why: 'why' } },
      ...(caRef && { caRef }),
    });
    expect(finding?.reason).toBe(reason);
    expect(finding?.message).toContain(says);
  });

  test('that was taken over from a FrontProxy is mended there', () => {
    const inherited = { from: 'FrontProxy kcp/front' };
    const answer: IssuerAnswer = { outcome: 'failed', kind: 'certificate', why: 'why' };
    const { finding } = observed({ issuer: { answer }, caRef: { name: 'ours' }, inherited });
    expect(finding?.message).toContain("Name the issuer's CA in spec.auth.oidc.caFileRef of FrontProxy kcp/front");
    const other = observed({ issuer: { answer: { outcome: 'mismatch', named: 'https://x.example.com' } }, inherited });
    expect(other.finding?.message).toContain('Set spec.auth.oidc.issuerURL of FrontProxy kcp/front to the name');
  });

  test('with a CA that the operator may not read the Pods are believed', () => {
    const unreadable = forbidden('may not read Secret a/ca', 'kubectl create role');
    expect(observed({ issuer: { unreadable }, pods: 'current' }).finding).toMatchObject({ status: 'True', reason: 'KeysLoaded' }); // prettier-ignore
    const { finding } = observed({ issuer: { unreadable } });
    expect(finding).toMatchObject({ status: 'Unknown', reason: 'KeysNotLoaded', derived: true });
    expect(finding?.message).toMatch(/Grant it with: kubectl create role$/);
  });
});

describe('before the first answer', () => {
  const said = (change: Partial<Condition>, issuer = ISSUER): World => ({
    status: {
      observedGeneration: 1,
      oidc: { issuer, audience: 'platform-mesh', registersClients: true },
      conditions: [
        { type: 'OIDCReady', status: 'True', reason: 'IssuerVerified', message: 'as before', lastTransitionTime: '', observedGeneration: 1, ...change }, // prettier-ignore
      ],
    },
  });

  test.each<[string, World, string]>([
    ['what is said of the same spec stays', said({}), 'True IssuerVerified'],
    ['unless the spec has changed', { ...said({}), generation: 2 }, 'Unknown Checking'],
    ['or the issuer', said({}, 'https://old.example.com'), 'Unknown Checking'],
    ['or it was about something else', said({ status: 'False', reason: 'NotFound' }), 'Unknown Checking'],
  ])('%s', (_, world, expected) => {
    const { finding } = observed(world);
    expect(`${finding?.status} ${finding?.reason}`).toBe(expected);
  });

  test('an issuer that was away is tolerated as before while Pods have its keys', () => {
    const away = said({ status: 'Unknown', reason: 'IssuerUnreachable' });
    expect(observed({ ...away, pods: 'current' }).finding).toMatchObject({ tolerated: true, message: 'as before' });
    expect(observed({ ...away, pods: 'earlier' }).finding).toMatchObject({ tolerated: false });
  });

  test('whether it registers clients stays known, also while it is away, but not of another issuer', () => {
    expect(observed(said({})).oidc).toMatchObject({ registersClients: true });
    expect(observed({ ...said({}), issuer: { answer: AWAY } }).oidc).toMatchObject({ registersClients: true });
    expect(observed(said({}, 'https://old.example.com')).oidc).not.toHaveProperty('registersClients');
  });
});
