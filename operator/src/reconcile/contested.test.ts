import { expect, test } from '@jest/globals';
import { DEPLOYMENT, SERVICE } from '../api/external.ts';
import { contested } from './contested.ts';

const KEY = { namespace: 'kcp-mcp', name: 'vespucci-mcp' };
const contest = (takers: { manager: string | undefined; fields: string[] }[]) => ({
  takers,
  deleted: false,
  againMs: 1,
});

test('names the object, the fields, the other manager, and how to look', () => {
  const takers = [{ manager: 'thief', fields: ['spec.selector', 'spec.ports[port=443].targetPort'] }];
  expect(contested(contest(takers), SERVICE, KEY)).toEqual({
    kind: 'waiting',
    reason: 'Contested',
    message:
      'Service kcp-mcp/vespucci-mcp: field manager "thief" keeps changing spec.selector, spec.ports[port=443].targetPort; it is put right less and less often, at last every 5 minutes: stop that writer or have it leave these fields alone, or say in the spec of the KcpMcpServer what is wanted. See who writes what: kubectl -n kcp-mcp get services/vespucci-mcp -o yaml --show-managed-fields',
  });
});

test.each([
  ['spec.replicas', 'scaler', 'take out spec.deployment.replicas'],
  ['spec.template', 'kcp-mcp-operator', 'another installation of this operator'],
])('%s by %s: %s', (field, manager, cure) => {
  const { message } = contested(contest([{ manager, fields: [field] }]), DEPLOYMENT, KEY);
  expect(message).toContain(cure);
  expect(message).toContain('kubectl -n kcp-mcp get deployments.apps/vespucci-mcp');
});

test('a deleted object, and one that nobody is known to change', () => {
  expect(contested({ takers: [], deleted: true, againMs: 1 }, SERVICE, KEY).message).toContain(
    'Service kcp-mcp/vespucci-mcp is deleted again and again',
  );
  expect(contested(contest([{ manager: undefined, fields: ['data'] }]), SERVICE, KEY).message).toContain(
    'somebody keeps changing data',
  );
});

test('texts of others print, and are bounded', () => {
  const field = `metadata.labels.\u001b[2J\u202e${'x'.repeat(500)}`;
  const takers = Array.from({ length: 20 }, (_, n) => ({
    manager: `thief\n${n}${'y'.repeat(500)}`,
    fields: Array.from({ length: 20 }, (__, m) => `${field}${m}`),
  }));
  const { message } = contested(contest(takers), SERVICE, KEY);
  expect(message).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  expect(message.length).toBeLessThan(3_000);
  expect(message).toContain('and 16 more');
});
