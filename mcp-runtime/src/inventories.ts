import type { WatchedFiles } from './config/reload.ts';
import type { RuntimeConfig } from './config/schema.ts';
import type { KcpClient } from './kcp/client.ts';
import { createInventory } from './kcp/inventory.ts';
import type { Inventory } from './kcp/inventory.ts';
import { createWorkspaceIndex } from './kcp/workspace-index.ts';
import type { WorkspaceIndex } from './kcp/workspace-index.ts';
import type { Log } from './log.ts';
import { createIndexMetrics } from './metrics.ts';
import type { Metrics } from './metrics.ts';

export interface InventoriesOptions {
  /** As at the start: whether there is an index, and which files it is made of. */
  readonly config: RuntimeConfig;
  readonly kcp: KcpClient;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** The inventory of a running process, across changes of its configuration. */
export interface Inventories {
  /** The inventory for a configuration: the same one, with what it knows, as long as no setting of it changes. */
  for(config: RuntimeConfig): Inventory;
  /** The files of the index. */
  readonly watched: readonly WatchedFiles[];
  close(): Promise<void>;
}

export async function createInventories({ config, kcp, log, metrics }: InventoriesOptions): Promise<Inventories> {
  const { inventory: kind, index_kubeconfig: kubeconfigFile, index_certificate_authority: caFile } = settings(config);
  const index =
    kind === 'index' && kubeconfigFile !== undefined && config.cluster_provider_strategy === 'kcp'
      ? await createWorkspaceIndex({ kubeconfigFile, caFile, log, observe: createIndexMetrics(metrics.registry) })
      : undefined;
  const files = [kubeconfigFile, caFile].filter((file) => file !== undefined);
  let current: { readonly root: string; readonly maxAgeMs: number; readonly inventory: Inventory } | undefined;

  return {
    for(next) {
      const { default_workspace: root, inventory_max_age: maxAgeMs } = settings(next);
      if (current?.root === root && current.maxAgeMs === maxAgeMs) return current.inventory;
      current?.inventory.close();
      const inventory = createInventory({
        kcp,
        root,
        maxAgeMs,
        index,
        clock: Date.now,
        observe: (sample) => {
          metrics.inventories.inc({ ...sample });
        },
      });
      current = { root, maxAgeMs, inventory };
      return inventory;
    },
    watched: index === undefined ? [] : [{ what: 'index', files, apply: reload(index) }],
    async close() {
      current?.inventory.close();
      await index?.close();
    },
  };
}

function reload(index: WorkspaceIndex): WatchedFiles['apply'] {
  return async () => {
    await index.reload();
  };
}

function settings(config: RuntimeConfig): RuntimeConfig['cluster_provider_configs']['kcp'] {
  return config.cluster_provider_configs.kcp;
}
