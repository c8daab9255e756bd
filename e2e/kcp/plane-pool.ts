import type { AdmissionServer } from './admission.ts';
import { bootstrapPlane } from './bootstrap.ts';
import { startPlane } from './plane.ts';
import type { Plane, PlaneOptions } from './plane.ts';
import { newClusterID } from './workspace.ts';

export type PoolOptions = Omit<PlaneOptions, 'cluster'> & { admission: AdmissionServer };

/** A plane that is there or coming, for a logical cluster of this id. */
export interface ReservedPlane {
  cluster: string;
  plane: Promise<Plane>;
}

/** Starts planes, and keeps some ready: a workspace made while one is left is there at once. */
export class PlanePool {
  readonly #options: PoolOptions;
  readonly #spare: ReservedPlane[] = [];
  readonly #started = new Set<Plane>();

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  /** Begins to start this many planes. */
  prepare(count: number): void {
    for (let started = 0; started < count; started++) this.#spare.push(this.#begin());
  }

  /** Hands out a plane with an id of its own. */
  take(): ReservedPlane {
    return this.#spare.shift() ?? this.#begin();
  }

  async start(cluster: string): Promise<Plane> {
    const plane = await startPlane({ ...this.#options, cluster });
    this.#started.add(plane);
    await bootstrapPlane(this.#options.client, plane, this.#options.admission);
    return plane;
  }

  /** Stops every plane that was started. */
  async stop(): Promise<void> {
    await Promise.all([...this.#started].map((plane) => plane.stop()));
  }

  #begin(): ReservedPlane {
    const cluster = newClusterID();
    const plane = this.start(cluster);
    // Whoever takes it hears of a failure.
    plane.catch(() => undefined);
    return { cluster, plane };
  }
}
