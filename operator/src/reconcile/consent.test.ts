import { describe, expect, test } from '@jest/globals';
import { KUBECONFIG } from '../api/external.ts';
import { ALLOW_NAMESPACES, allowsNamespace, consentProblem } from './consent.ts';
import { testServer } from './testing/objects.ts';

const object = (value?: string) => ({
  metadata: {
    namespace: 'kcp-vespucci',
    name: 'kcp',
    ...(value !== undefined && { annotations: { [ALLOW_NAMESPACES]: value } }),
  },
});

describe('allowsNamespace', () => {
  test.each([
    ['kcp-mcp', true],
    ['a, kcp-mcp ,b', true],
    ['a,\n  kcp-mcp\n', true],
    ['*', true],
    ['a, *', true],
    [undefined, false],
    ['', false],
    [',', false],
    ['kcp', false],
    ['kcp-mcp-2', false],
    ['kcp-*', false],
    ['a kcp-mcp', false],
    ['KCP-MCP', false],
  ])('%j: %s', (value, allowed) => {
    expect(allowsNamespace(object(value), 'kcp-mcp')).toBe(allowed);
  });

  test('its own namespace needs no consent', () => {
    expect(allowsNamespace(object(), 'kcp-vespucci')).toBe(true);
  });
});

describe('consentProblem', () => {
  const problem = (value?: string) => consentProblem(KUBECONFIG, object(value), testServer(), 'copy its credentials');

  test('nothing when consent is there', () => {
    expect(problem('kcp-mcp')).toBeUndefined();
  });

  test('names the object, the namespace and the command', () => {
    expect(problem()).toEqual({
      kind: 'waiting',
      reason: 'NotPermitted',
      message:
        'Kubeconfig kcp-vespucci/kcp does not let KcpMcpServers of namespace kcp-mcp copy its credentials: it has no annotation mcp.kcp.io/allow-namespaces',
      command:
        'kubectl -n kcp-vespucci annotate kubeconfigs.operator.kcp.io kcp mcp.kcp.io/allow-namespaces=kcp-mcp --overwrite',
    });
  });

  test('its command keeps those that are listed, and quotes none of them', () => {
    const { message, command } = problem('team-a,$(reboot)\u001b[2J') ?? {};
    expect(message).toContain('"team-a,$(reboot) [2J" is all that it has in annotation mcp.kcp.io/allow-namespaces');
    expect(command).toBe(
      String.raw`kubectl -n kcp-vespucci annotate kubeconfigs.operator.kcp.io kcp mcp.kcp.io/allow-namespaces="$(kubectl -n kcp-vespucci get kubeconfigs.operator.kcp.io kcp -o jsonpath='{.metadata.annotations.mcp\.kcp\.io/allow-namespaces}'),kcp-mcp" --overwrite`,
    );
  });
});
