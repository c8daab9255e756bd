import { describe, expect, jest, test } from '@jest/globals';
import type { EventInput } from '../kube/index.ts';
import { silentLogger } from '../kube/types.ts';
import { conflict, waiting } from './errors.ts';
import { granteeOf } from './grant.ts';
import { fails, holds, newReport, progressing, summarize, type Report } from './status.ts';
import { NOW, testServer } from './testing/objects.ts';
import { createAnnouncer } from './transitions.ts';

const report = (change: Partial<Report['causes']> = {}, sha256 = 'a'): Report => ({
  ...newReport(),
  causes: {
    KubeconfigReady: holds('Copied', ''),
    CertificateReady: holds('Issued', ''),
    OIDCReady: holds('IssuerVerified', ''),
    ConfigReady: holds('Rendered', ''),
    Available: holds('MinimumReplicasAvailable', ''),
    Exposed: holds('ServiceReady', ''),
    ...change,
  },
  facts: { kubeconfig: { source: { kind: 'Secret', namespace: 'a', name: 'b' }, server: 'https://kcp', sha256 } },
});

/** The Events for a change from one report to another. */
function announced(before: Report | undefined, after: Report): Pick<EventInput, 'type' | 'reason'>[] {
  const status = before && summarize(testServer(), before, NOW);
  const server = testServer({ ...(status && { status }) });
  const event = jest.fn<(input: EventInput) => void>();
  createAnnouncer({ event }, silentLogger).written(server, summarize(server, after, NOW));
  return event.mock.calls.map(([{ type, reason }]) => ({ type, reason }));
}

describe('Events', () => {
  test.each<[string, Report | undefined, Report, Pick<EventInput, 'type' | 'reason'>[]]>([
    ['first Ready', undefined, report(), [{ type: 'Normal', reason: 'Succeeded' }]],
    ['nothing new', report(), report(), []],
    [
      'a message only',
      report({ Available: progressing('Unknown', 'RollingOut', '1 of 2') }),
      report({ Available: progressing('Unknown', 'RollingOut', '2 of 2') }),
      [],
    ],
    [
      'a rollout is normal',
      report(),
      report({ Available: progressing('Unknown', 'RollingOut', '') }),
      [{ type: 'Normal', reason: 'RollingOut' }],
    ],
    [
      'an issuer that registers no clients is a warning, though Ready stays as it is',
      report(),
      report({ OIDCReady: holds('NoClientRegistration', '') }),
      [{ type: 'Warning', reason: 'NoClientRegistration' }],
    ],
    [
      'once',
      report({ OIDCReady: holds('NoClientRegistration', '') }),
      report({ OIDCReady: holds('NoClientRegistration', 'in other words') }),
      [],
    ],
    [
      'a kcp that doesn’t answer is a warning, too',
      report(),
      { ...report(), notes: { KcpReachable: { status: 'False', reason: 'KcpUnreachable', message: '' } } },
      [{ type: 'Warning', reason: 'KcpUnreachable' }],
    ],
    [
      'a missing reference is a warning',
      report(),
      report({ KubeconfigReady: fails(waiting('NotFound', '')) }),
      [{ type: 'Warning', reason: 'NotFound' }],
    ],
    [
      'another reason is told, too',
      report({ KubeconfigReady: fails(waiting('NotFound', '')) }),
      report({ KubeconfigReady: fails(conflict('Secret', 'a/b')) }),
      [{ type: 'Warning', reason: 'Conflict' }],
    ],
    ['a rotation', report({}, 'a'), report({}, 'b'), [{ type: 'Normal', reason: 'KubeconfigRotated' }]],
  ])('%s', (_, before, after, expected) => {
    expect(announced(before, after)).toEqual(expected);
  });
});

test.each([
  ['system:serviceaccount:ns:sa', '--serviceaccount=ns:sa'],
  ['alice@example.com', '--user=alice@example.com'],
  ["o'hara; $(rm)", String.raw`--user='o'\''hara; $(rm)'`],
])('granteeOf %s', (username, flag) => {
  expect(granteeOf(username)).toBe(flag);
});
