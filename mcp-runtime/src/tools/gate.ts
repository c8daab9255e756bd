import type { Policy } from '../policy.ts';
import type { Gate } from './caller-api.ts';
import { ToolError } from './tool.ts';

export interface GateOptions {
  readonly policy: Policy;
}

/** What every action of a call on the cluster has to pass, whichever tool it comes from. */
export function createGate({ policy }: GateOptions): Gate {
  return (actions) => {
    for (const { target } of actions) {
      const refusal = policy.refuseKind(target);
      if (refusal !== undefined) throw new ToolError(refusal, 'denied');
    }
  };
}
