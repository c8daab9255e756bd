// Every state of a KcpMcpServer, as the operator's own summarizer writes it, judged by a real Lua and the real kstatus.
import { describe, expect, test } from '@jest/globals';
import { reasonDocs } from '../src/api/conditions.ts';
import type { KcpMcpServer } from '../src/api/kcp-mcp-server.ts';
import { conflict, forbidden, waiting, type Problem } from '../src/reconcile/errors.ts';
import { fails, holds, newReport, progressing, summarize, type Report } from '../src/reconcile/status.ts';
import { NOW, testServer } from '../src/reconcile/testing/objects.ts';
import { healthScript, judge } from './testing/verdict.ts';

const good = (causes: Report['causes'] = {}): Report => ({
  causes: {
    KubeconfigReady: holds('Copied', 'from Secret kcp-vespucci/kcp-mcp-kubeconfig'),
    CertificateReady: holds('Issued', 'until next year'),
    OIDCReady: holds('KeysLoaded', 'the keys are loaded'),
    ConfigReady: holds('Rendered', 'from the spec'),
    Available: holds('MinimumReplicasAvailable', '1 of 1 Pods are ready'),
    Exposed: holds('ServiceReady', 'Service kcp-mcp/vespucci-mcp'),
    ...causes,
  },
  facts: {},
});

const written = (report: Report): KcpMcpServer => testServer({ status: summarize(testServer(), report, NOW) });
const overall = (problem: Problem): KcpMcpServer => written({ ...newReport(), overall: problem });
const transient: Problem = { kind: 'transient', reason: 'RetryingAfterError', message: 'Deployment: no answer' };
const { metadata, ...rest } = written(good());
const withMetadata = (more: object): KcpMcpServer => ({ ...rest, metadata: { ...metadata, ...more } });

const states: [string, KcpMcpServer, string, string][] = [
  ['not seen yet', testServer({ status: { observedGeneration: -1 } }), 'Progressing', 'InProgress'],
  ['ready', written(good()), 'Healthy', 'Current'],
  ['changed since it was ready', withMetadata({ generation: 2 }), 'Progressing', 'InProgress'],
  [
    'being deleted',
    withMetadata({ deletionTimestamp: '2026-03-01T12:00:00Z', finalizers: ['mcp.kcp.io/cleanup'] }),
    'Progressing',
    'Terminating',
  ],
  [
    'rolling out',
    written(good({ Available: progressing('False', 'RollingOut', '0 of 1 Pods') })),
    'Progressing',
    'InProgress',
  ],
  [
    'rolling out while old Pods serve',
    written(good({ Available: progressing('Unknown', 'RollingOut', '1 of 2 Pods') })),
    'Progressing',
    'InProgress',
  ],
  [
    'waiting for a Kubeconfig that may come later in the same sync',
    written(
      good({ KubeconfigReady: fails(waiting('NotFound', 'Kubeconfig kcp-vespucci/kcp-mcp-kubeconfig not found')) }),
    ),
    'Progressing',
    'InProgress',
  ],
  [
    'waiting for a Role',
    written(good({ KubeconfigReady: fails(forbidden('may not get Secret', 'kubectl create role …')) })),
    'Progressing',
    'InProgress',
  ],
  [
    'waiting for a ClusterIssuer that may come later in the same sync',
    written(good({ CertificateReady: fails(waiting('IssuerNotFound', 'ClusterIssuer letsencrypt does not exist')) })),
    'Progressing',
    'InProgress',
  ],
  [
    'waiting for an identity provider that may come later in the same sync',
    written(good({ OIDCReady: fails(waiting('IssuerUnreachable', 'the name can not be resolved')) })),
    'Progressing',
    'InProgress',
  ],
  [
    'with an issuer that refuses',
    written(good({ CertificateReady: fails(waiting('IssuanceFailed', 'the order failed')) })),
    'Degraded',
    'InProgress',
  ],
  [
    'with Pods that never became ready',
    written(good({ Available: fails(waiting('ProgressDeadlineExceeded', 'timed out progressing')) })),
    'Degraded',
    'InProgress',
  ],
  [
    'scaled to zero',
    written(good({ Available: fails(waiting('ScaledToZero', 'no replicas')) })),
    'Suspended',
    'InProgress',
  ],
  ['with an API server that fails', overall(transient), 'Progressing', 'InProgress'],
  ['stalled', overall(conflict('Service', 'kcp-mcp/vespucci-mcp')), 'Degraded', 'Failed'],
];

test.each(states)('%s', async (_, object, argocd, kstatus) => {
  const [verdict] = await judge([object]);
  expect({ argocd: verdict?.argocd.status, kstatus: verdict?.kstatus.status }).toEqual({ argocd, kstatus });
});

describe('the health script', () => {
  test('shows the reason and message of Ready, which say what to do', async () => {
    const [, stalled] = await judge([written(good()), overall(conflict('Service', 'kcp-mcp/vespucci-mcp'))]);
    expect(stalled?.argocd.message).toMatch(
      /^Conflict: Service kcp-mcp\/vespucci-mcp exists already .* Delete or rename it/,
    );
  });

  test('knows what to say of an object without a status, or with half of one', async () => {
    const { status: _, ...without } = testServer();
    const half = testServer({ status: { observedGeneration: 1 } });
    for (const { argocd } of await judge([without, half])) expect(argocd.status).toBe('Progressing');
  });

  test('names reasons that there are', async () => {
    const [, list = ''] = /local awaited = \{([^}]*)\}/.exec(await healthScript()) ?? [];
    const names = [...list.matchAll(/(\w+) = true/g)].map(([, name]) => name ?? '');
    expect(names.length).toBeGreaterThan(3);
    for (const name of names) expect(Object.keys(reasonDocs)).toContain(name);
  });
});

test('without observedGeneration -1, the default of the CRD, Flux would take a new one for ready', async () => {
  const { status: _, ...without } = testServer();
  const [verdict] = await judge([without]);
  expect(verdict?.kstatus.status).toBe('Current');
});
