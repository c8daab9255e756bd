import { expect, test } from '@jest/globals';
import { IndexedStore } from '../kube/store.ts';
import type { KcpKubeconfig } from '../api/external.ts';
import { mintedKubeconfig, serverOfMinted } from '../resources/minted-kubeconfig.ts';
import type { Caches } from './caches.ts';
import { mintedOf } from './minted-objects.ts';
import { testServer } from './testing/objects.ts';

test('are told by label and name: what somebody made out of one of them is theirs', () => {
  const server = testServer();
  const store = new IndexedStore<KcpKubeconfig>({ server: (object) => [serverOfMinted(object) ?? []].flat() });
  const put = (metadata: object): void => {
    const minted = mintedKubeconfig(server, 'kcp', { namespace: 'kcp-vespucci', name: 'vespucci' });
    store.set({ ...minted, metadata: { ...minted.metadata, ...metadata } });
  };
  put({ uid: 'ours' });
  put({ uid: 'earlier', namespace: 'elsewhere' });
  put({ uid: 'going', namespace: 'third', deletionTimestamp: 'now' });
  put({ uid: 'copy', name: 'our-admins' });
  put({ uid: 'unlabelled', namespace: 'fourth', labels: {} });

  const found = mintedOf(server, { kubeconfigs: { store } } as unknown as Caches);
  expect(found.map(({ metadata }) => metadata.uid)).toEqual(['ours', 'earlier']);
});
