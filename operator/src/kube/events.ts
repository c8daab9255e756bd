/** A recorder of Kubernetes Events (events.k8s.io/v1). */
import type { Clock } from './clock.ts';
import type { KubeClient } from './client.ts';
import type { KubeObject, Logger } from './types.ts';

export interface EventRecorderOptions {
  client: KubeClient;
  /** `reportingController`, e.g. `example.com/my-operator`. */
  controller: string;
  /** `reportingInstance`: the Pod, at most 128 characters. */
  instance: string;
  clock?: Clock;
  logger?: Logger;
  /** Tokens per object: bursts of so many, then one each `refillMs`. Default 25 and 300,000 ms, as client-go's spam filter. */
  burst?: number;
  refillMs?: number;
}

export interface EventInput {
  regarding: KubeObject;
  related?: KubeObject;
  type: 'Normal' | 'Warning';
  /** UpperCamelCase, at most 128 characters: why. */
  reason: string;
  /** UpperCamelCase, at most 128 characters: what the controller did or tried. */
  action: string;
  /** For people; cut at 1024 bytes. */
  note: string;
}

export interface EventRecorder {
  /**
   * Records in the background. The same event again within six minutes becomes a series of the first. Failures are logged at
   * debug level only, and never reach the caller.
   */
  event(input: EventInput): void;
  /** Waits for what's under way, and writes the counts of running series. */
  stop(): Promise<void>;
}

export declare function createEventRecorder(options: EventRecorderOptions): EventRecorder;
