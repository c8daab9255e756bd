import { expect, test } from '@jest/globals';
import type { KcpAnswer } from '../outbound/kcp.ts';
import { findingOf } from './kcp.ts';

const server = 'https://kcp.example.com:6443';

test.each<[(KcpAnswer & { outcome: 'failed' })['kind'], string, string]>([
  ['dns', 'False KcpUnreachable', 'spec.deployment.hostAliases'],
  ['refused', 'False KcpUnreachable', 'NetworkPolicies'],
  ['timeout', 'False KcpUnreachable', 'NetworkPolicies'],
  ['certificate', 'False KcpUnreachable', 'certificate-authority-data'],
  ['protocol', 'False KcpUnreachable', "address and port of kcp's front-proxy"],
  ['address', 'Unknown KcpNotAsked', '--allow-local-addresses'],
])('%s: %s, with what happened, where, and the cure', (kind, expected, says) => {
  const finding = findingOf({ outcome: 'failed', kind, why: 'what happened' }, { server });
  expect(`${finding.status} ${finding.reason}`).toBe(expected);
  expect(finding.message).toContain(server);
  expect(finding.message).toContain('what happened');
  expect(finding.message).toContain(says);
});

test('a name of its own for the certificate is named', () => {
  const answer: KcpAnswer = { outcome: 'failed', kind: 'certificate', why: '' };
  expect(findingOf(answer, { server, tlsServerName: 'front.example.com' }).message).toContain('(front.example.com)');
});

test('kcp answers', () => {
  expect(findingOf({ outcome: 'answers' }, { server })).toMatchObject({ status: 'True', reason: 'KcpAnswers' });
});
