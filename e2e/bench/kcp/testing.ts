import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createCA, issueCertificate } from '../../lib/certs.ts';
import { freePorts } from '../../lib/ports.ts';
import type { Counts } from './counts.ts';
import { createSyntheticKcp } from './serve.ts';
import type { SyntheticTree } from './tree.ts';

/** A synthetic kcp in the test's own process. */
export interface SyntheticForTest {
  url: string;
  caFile: string;
  /** Runs on. */
  counts: Counts;
  stop(): Promise<void>;
}

/** @param issuerURL whose tokens it takes; their signature isn't looked at */
export async function startSyntheticForTest(tree: SyntheticTree, issuerURL: string): Promise<SyntheticForTest> {
  const dir = await mkdtemp(join(tmpdir(), 'synthetic-kcp-'));
  const ca = await createCA(dir, 'ca', 'synthetic kcp');
  const files = await issueCertificate(ca, { dir, name: 'tls', commonName: 'kcp', hosts: ['127.0.0.1'] });
  const [cert, key] = await Promise.all([readFile(files.certFile), readFile(files.keyFile)]);
  // Its answers hold its own address.
  const [port = 0] = await freePorts(1);
  const url = `https://127.0.0.1:${port}`;
  const { server, counts } = createSyntheticKcp({ tree, url, issuerURL, tls: { cert, key } });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    url,
    caFile: ca.certFile,
    counts,
    stop: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
      await rm(dir, { recursive: true });
    },
  };
}
