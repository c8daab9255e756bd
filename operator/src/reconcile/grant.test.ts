import { execFileSync } from 'node:child_process';
import { expect, test } from '@jest/globals';
import { grantCommand, granteeOf, OWN_VERBS } from './grant.ts';

test('one line that makes or completes the Role, and binds it', () => {
  const key = { namespace: 'kcp-mcp', name: 'vespucci-mcp-kubeconfig' };
  const grantee = '--serviceaccount=ns:sa';
  expect(grantCommand({ resource: 'secrets', key, verbs: OWN_VERBS, grantee })).toBe(
    'kubectl -n kcp-mcp create role kcp-mcp-operator-vespucci-mcp-kubeconfig --verb=get,watch,create,patch,delete --resource=secrets --resource-name=vespucci-mcp-kubeconfig --dry-run=client -o yaml | kubectl -n kcp-mcp auth reconcile -f -' +
      ' && kubectl -n kcp-mcp create rolebinding kcp-mcp-operator-vespucci-mcp-kubeconfig --role=kcp-mcp-operator-vespucci-mcp-kubeconfig --serviceaccount=ns:sa --dry-run=client -o yaml | kubectl -n kcp-mcp auth reconcile -f -',
  );
});

test('a service account has a flag of its own', () => {
  expect(granteeOf('system:serviceaccount:kcp-mcp-operator-system:kcp-mcp-operator')).toBe(
    '--serviceaccount=kcp-mcp-operator-system:kcp-mcp-operator',
  );
  expect(granteeOf('admin@example.com')).toBe('--user=admin@example.com');
});

test.each([
  'Jane Doe',
  "O'Brien",
  '$(touch /tmp/x)',
  'a`id`b',
  'a; rm -rf / #',
  'a" && id',
  'a|b>c',
  'a\\b',
  '~root',
  '{a,b}*?[c]!',
  'system:serviceaccount:$(id):x',
  'system:serviceaccount:a;id:x',
  'système:é',
])('a shell takes %j as one word, and nothing in it as its own', (username) => {
  const script = `printf '%s' ${granteeOf(username)}`;
  expect(execFileSync('sh', ['-c', script], { encoding: 'utf8' })).toBe(`--user=${username}`);
});
