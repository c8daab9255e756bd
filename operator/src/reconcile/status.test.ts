import { describe, expect, test } from '@jest/globals';
import type { KcpMcpServerStatus } from '../api/kcp-mcp-server.ts';
import { conflict, terminal, waiting } from './errors.ts';
import { fails, holds, newReport, progressing, resultOf, summarize, type Report } from './status.ts';
import { NOW, testServer } from './testing/objects.ts';

const allGood = (): Report => ({
  causes: {
    KubeconfigReady: holds('Copied', 'from Secret a/b'),
    CertificateReady: holds('Issued', 'until next year'),
    OIDCReady: holds('IssuerVerified', 'verified'),
    ConfigReady: holds('Rendered', 'from the spec'),
    Available: holds('MinimumReplicasAvailable', '1 of 1 Pods are ready'),
    Exposed: holds('ServiceReady', 'Service kcp-mcp/vespucci-mcp'),
  },
  facts: { url: 'https://mcp.vespucci.example.com/mcp', replicas: 1 },
});

const LATER = new Date(NOW.getTime() + 60_000);
const condition = (status: KcpMcpServerStatus, type: string) => status.conditions?.find((item) => item.type === type);

describe('summarize', () => {
  test('is Ready when all causes hold, and neither Reconciling nor Stalled are there', () => {
    const status = summarize(testServer({ generation: 3 }), allGood(), NOW);
    expect(status).toMatchObject({ observedGeneration: 3, url: 'https://mcp.vespucci.example.com/mcp', replicas: 1 });
    expect(condition(status, 'Ready')).toEqual({
      type: 'Ready',
      status: 'True',
      reason: 'Succeeded',
      message: 'the endpoint is up',
      lastTransitionTime: '2026-03-01T12:00:00Z',
      observedGeneration: 3,
    });
    expect(status.conditions?.map(({ type }) => type)).toEqual([
      'Ready',
      'KubeconfigReady',
      'CertificateReady',
      'OIDCReady',
      'ConfigReady',
      'Available',
      'Exposed',
    ]);
  });

  test('keeps lastTransitionTime while the status stays, though reason and message change', () => {
    const first = summarize(testServer(), allGood(), NOW);
    const report = allGood();
    report.causes.KubeconfigReady = holds('Copied', 'from Secret c/d');
    report.causes.Exposed = progressing('False', 'AddressPending', 'no address yet');
    const second = summarize(testServer({ status: first, generation: 2 }), report, LATER);
    expect(condition(second, 'KubeconfigReady')).toMatchObject({
      message: 'from Secret c/d',
      lastTransitionTime: '2026-03-01T12:00:00Z',
      observedGeneration: 2,
    });
    expect(condition(second, 'Exposed')?.lastTransitionTime).toBe('2026-03-01T12:01:00Z');
  });

  test('says the same twice: nothing to write', () => {
    const first = summarize(testServer(), allGood(), NOW);
    expect(summarize(testServer({ status: first }), allGood(), LATER)).toEqual(first);
  });

  test.each([
    ['waiting', waiting('NotFound', 'Kubeconfig a/b not found'), 'Reconciling', 'WaitingForReference'],
    ['waiting', waiting('Contested', 'Service a/b: somebody'), 'Reconciling', 'Contested'],
    ['terminal', conflict('Secret', 'a/b'), 'Stalled', 'Conflict'],
    ['transient', { ...waiting('Rejected', 'quota'), kind: 'transient' as const }, 'Reconciling', 'RetryingAfterError'],
  ])('a %s problem gives Ready its reason and message', (kind, problem, raised, reason) => {
    const report = allGood();
    report.causes.KubeconfigReady = fails(problem);
    const status = summarize(testServer(), report, NOW);
    const { message } = problem;
    expect(condition(status, 'Ready')).toMatchObject({ status: 'False', reason: problem.reason, message });
    expect(condition(status, raised)).toMatchObject({ status: 'True', reason, message });
    expect(condition(status, raised === 'Stalled' ? 'Reconciling' : 'Stalled')).toBeUndefined();
    expect(resultOf(report)).toBe(kind);
  });

  test('whatever text gets into a message, it stays one line that prints', () => {
    const report = allGood();
    report.causes.CertificateReady = fails(waiting('Issuing', `from a\n\u001b[2J\u202Eb ${'x'.repeat(40_000)}`));
    const status = summarize(testServer(), report, NOW);
    for (const type of ['Ready', 'CertificateReady', 'Reconciling']) {
      const { message = '' } = condition(status, type) ?? {};
      expect(message).toMatch(/^from a \[2J b x/);
      expect(message.length).toBeLessThan(10_000);
    }
  });

  test('a rollout is progress, not an error; with old Pods serving Ready is Unknown', () => {
    const report = allGood();
    report.causes.Available = progressing('Unknown', 'RollingOut', '1 of 2');
    const status = summarize(testServer(), report, NOW);
    expect(condition(status, 'Ready')).toMatchObject({ status: 'Unknown', reason: 'RollingOut' });
    expect(condition(status, 'Reconciling')).toMatchObject({ status: 'True', reason: 'Progressing' });
    expect(resultOf(report)).toBe('success');
  });

  test('what somebody has to mend comes before what is only late, and what is stuck before both', () => {
    const report = allGood();
    report.causes.KubeconfigReady = progressing('False', 'SourceNotReady', 'being made');
    report.causes.OIDCReady = fails(waiting('NotFound', 'ConfigMap a/ca not found'));
    expect(condition(summarize(testServer(), report, NOW), 'Ready')?.reason).toBe('NotFound');
    report.causes.Exposed = fails(conflict('Service', 'a/b'));
    expect(condition(summarize(testServer(), report, NOW), 'Ready')?.reason).toBe('Conflict');
  });

  test('a cause comes before what follows from it, whatever the order', () => {
    const report = allGood();
    report.causes.OIDCReady = { ...progressing('Unknown', 'KeysNotLoaded', 'no Pod'), derived: true };
    expect(condition(summarize(testServer(), report, NOW), 'Ready')?.reason).toBe('KeysNotLoaded');
    report.causes.Available = progressing('False', 'RollingOut', '0 of 1');
    expect(condition(summarize(testServer(), report, NOW), 'Ready')).toMatchObject({
      status: 'False',
      reason: 'RollingOut',
    });
  });

  test('what is tolerated is told, but Ready doesn’t depend on it', () => {
    const report = allGood();
    report.causes.OIDCReady = { ...progressing('Unknown', 'IssuerUnreachable', 'no answer'), tolerated: true };
    const status = summarize(testServer(), report, NOW);
    expect(condition(status, 'OIDCReady')).toMatchObject({ status: 'Unknown', reason: 'IssuerUnreachable' });
    expect(condition(status, 'Ready')).toMatchObject({ status: 'True' });
    expect(status.conditions?.map(({ type }) => type)).not.toContain('Reconciling');
    expect(resultOf(report)).toBe('success');
  });

  test('a note is told, and nothing depends on it', () => {
    const report = allGood();
    report.notes = { KcpReachable: { status: 'False', reason: 'KcpUnreachable', message: 'no answer' } };
    const status = summarize(testServer(), report, NOW);
    expect(condition(status, 'KcpReachable')).toMatchObject({ status: 'False', reason: 'KcpUnreachable' });
    expect(condition(status, 'Ready')).toMatchObject({ status: 'True' });
    expect(resultOf(report)).toBe('success');
    // What isn't known at the moment stays as it was.
    const later = summarize(testServer({ status }), allGood(), NOW);
    expect(condition(later, 'KcpReachable')).toEqual(condition(status, 'KcpReachable'));
  });

  test('among equals the first cause counts', () => {
    const report = allGood();
    report.causes.OIDCReady = fails(waiting('NotFound', 'no CA'));
    report.causes.KubeconfigReady = fails(waiting('Forbidden', 'run this'));
    expect(condition(summarize(testServer(), report, NOW), 'Ready')?.reason).toBe('Forbidden');
  });

  test('causes and facts that were not looked at stay as they were', () => {
    const first = summarize(testServer(), allGood(), NOW);
    const report = newReport();
    report.overall = terminal('Rejected', 'the spec is refused');
    const status = summarize(testServer({ status: first, generation: 2 }), report, LATER);
    expect(condition(status, 'Ready')).toMatchObject({
      status: 'False',
      reason: 'Rejected',
      observedGeneration: 2,
    });
    expect(condition(status, 'Stalled')).toMatchObject({ status: 'True', reason: 'Rejected' });
    expect(condition(status, 'Available')).toMatchObject({ status: 'True', observedGeneration: 1 });
    expect(status.url).toBe(first.url);
  });

  test('is not Ready while a cause was never looked at', () => {
    const report = allGood();
    delete report.causes.Available;
    expect(condition(summarize(testServer(), report, NOW), 'Ready')).toMatchObject({ status: 'Unknown' });
  });

  test('a fact that is no more is left out', () => {
    const first = summarize(testServer(), { ...allGood(), facts: { replicas: 1, readyReplicas: 1 } }, NOW);
    const report = allGood();
    const facts: Record<string, unknown> = { readyReplicas: undefined };
    report.facts = facts;
    expect(summarize(testServer({ status: first }), report, NOW)).not.toHaveProperty('readyReplicas');
  });
});
