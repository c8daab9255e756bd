import type { AdmissionServer } from './admission.ts';
import { bootstrapPlane } from './bootstrap.ts';
import { startPlane } from './plane.ts';
import type { Plane, PlaneOptions } from './plane.ts';
import { newClusterID } from './workspace.ts';

export type PoolOptions = Omit<PlaneOptions, 'cluster'> & { admission: AdmissionServer };

/** Starts planes, and keeps some ready: a workspace made while one is left is there at once. */
export class PlanePool {
  readonly #options: PoolOptions;
  readonly #spare: Promise<Plane>[] = [];

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  /** Begins to start this many planes. */
  prepare(count: number): void {
    for (let started = 0; started < count; started++) {
      const plane = this.start(newClusterID());
      // Whoever takes it hears of a failure.
      plane.catch(() => undefined);
      this.#spare.push(plane);
    }
  }

  /** A plane that is ready for a workspace, with an id of its own. */
  take(): Promise<Plane> {
    return this.#spare.shift() ?? this.start(newClusterID());
  }

  async start(cluster: string): Promise<Plane> {
    const plane = await startPlane({ ...this.#options, cluster });
    await bootstrapPlane(this.#options.client, plane, this.#options.admission);
    return plane;
  }
}
