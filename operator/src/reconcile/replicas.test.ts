import { expect, test } from '@jest/globals';
import type { Deployment } from './objects.ts';
import { replicasOf } from './replicas.ts';

/** @param owned whether the number is one that we applied */
const live = (replicas: number, owned: boolean): Deployment => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: {
    name: 'vespucci-mcp',
    managedFields: [
      {
        manager: 'kcp-mcp-operator',
        operation: 'Apply',
        fieldsV1: { 'f:spec': { 'f:template': {}, ...(owned && { 'f:replicas': {} }) } },
      },
    ],
  },
  spec: { replicas },
});

test.each<[string, Parameters<typeof replicasOf>, number | undefined]>([
  ['the spec says it', [2, false, live(5, false)], 2],
  ['the spec says none', [0, false, live(5, true)], 0],
  ['nobody says anything, at first', [undefined, false, undefined], undefined],
  ['somebody has scaled the Deployment', [undefined, false, live(5, false)], undefined],
  ['the number was taken out of the spec: it stays until somebody says another', [undefined, false, live(5, true)], 5],
  ['an autoscaler goes before the spec', [2, true, live(5, false)], undefined],
  ['an autoscaler that has not said anything yet', [2, true, live(2, true)], 2],
  ['an autoscaler begins with the number of the spec', [2, true, undefined], 2],
  ['an autoscaler, and nothing in the spec', [undefined, true, undefined], undefined],
])('%s', (_, args, expected) => {
  expect(replicasOf(...args)).toBe(expected);
});
