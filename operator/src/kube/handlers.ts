import type { Change } from './store.ts';
import { silentLogger } from './types.ts';
import type { KubeObject, Logger, Resource } from './types.ts';
import type { InformerHandlers, InformerState } from './watch.ts';

/** The handlers of an informer. They're others' code: what one throws is reported and disturbs nobody. */
export class HandlerSet<T extends KubeObject> {
  readonly #handlers = new Set<InformerHandlers<T>>();
  readonly #resource: Resource;
  readonly #onError: ((error: unknown) => void) | undefined;
  readonly #logger: Logger;

  constructor(options: {
    resource: Resource;
    onError?: ((error: unknown) => void) | undefined;
    logger?: Logger | undefined;
  }) {
    this.#resource = options.resource;
    this.#onError = options.onError;
    this.#logger = options.logger ?? silentLogger;
  }

  /** Tells new handlers what is known already. Returns how to remove them. */
  add(handlers: InformerHandlers<T>, known: readonly T[]): () => void {
    this.#handlers.add(handlers);
    for (const object of known) this.#guard(() => handlers.onAdd?.(object, false));
    return () => {
      this.#handlers.delete(handlers);
    };
  }

  clear(): void {
    this.#handlers.clear();
  }

  state(state: InformerState): void {
    for (const handlers of this.#handlers) this.#guard(() => handlers.onState?.(state));
  }

  answer(state: InformerState): void {
    for (const handlers of this.#handlers) this.#guard(() => handlers.onAnswer?.(state));
  }

  changes(changes: readonly Change<T>[], own = false): void {
    for (const change of changes) {
      for (const handlers of this.#handlers) {
        this.#guard(() => {
          tell(handlers, change, own);
        });
      }
    }
  }

  report(error: unknown): void {
    try {
      this.#onError?.(error);
    } catch (failure) {
      const text = failure instanceof Error ? failure.message : String(failure);
      this.#logger.error("an informer's onError failed", { resource: this.#resource.plural, error: text });
    }
  }

  #guard(fn: () => void): void {
    try {
      fn();
    } catch (error) {
      this.report(error);
    }
  }
}

function tell<T>(handlers: InformerHandlers<T>, { previous, object }: Change<T>, own: boolean): void {
  if (object !== undefined && previous !== undefined) handlers.onUpdate?.(previous, object, own);
  else if (object !== undefined) handlers.onAdd?.(object, own);
  else if (previous !== undefined) handlers.onDelete?.(previous);
}
