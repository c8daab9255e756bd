import { expect, test } from '@jest/globals';
import { state } from './support.ts';
import { startUpstream } from './upstream-binary.ts';

test('the upstream server parses the rendered ConfigMap and takes up its settings, up to its own fault with kcp and OIDC', async () => {
  const output = await startUpstream(state.server.name);
  expect(output).not.toContain('failed to read and merge config');
  expect(output).toContain('config.toolsets=["core","kcp"]');
  expect(output).toContain('config.cluster_provider_strategy="kcp"');
  // Past parsing, it fails for a reason of its own: it wants a caller's token when it starts.
  expect(output).toContain('oauth token required');
});
