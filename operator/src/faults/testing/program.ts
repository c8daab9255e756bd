/**
 * The operator as a process of its own, with what a test wants to be otherwise than operator/src/main.ts has it.
 *
 *     node program.ts '{"kubeconfig": "FILE", "identity": "a", "lease": {…}, "skewMs": 600000}'
 */
import { createKubeClient, systemClock, type Clock } from '../../kube/index.ts';
import { createLogger } from '../../logger.ts';
import { createOperator, type OperatorOptions } from '../../operator.ts';

export interface ProgramOptions extends Required<Pick<OperatorOptions, 'identity' | 'lease' | 'leaseNamespace'>> {
  kubeconfig: string;
  /** How far ahead the wall clock is. */
  skewMs: number;
}

const { kubeconfig, identity, lease, leaseNamespace, skewMs } = JSON.parse(process.argv[2] ?? '{}') as ProgramOptions;
const logger = createLogger('info');
const clock: Clock = { ...systemClock, now: () => Date.now() + skewMs };
const client = await createKubeClient({
  kubeconfig,
  userAgent: 'kcp-mcp-operator/test',
  holder: identity,
  clock,
  logger,
});
createOperator({
  client,
  identity,
  lease,
  clock,
  logger,
  namespaces: [],
  runtimeImage: 'kcp-mcp-runtime:test',
  leaderElect: true,
  leaseNamespace,
  concurrency: 16,
  checkIssuer: () => Promise.resolve({ outcome: 'verified', registersClients: true }),
  probeKcp: () => Promise.resolve({ outcome: 'answers' }),
}).start();
logger.info('started', { identity });
// Its timers keep no process alive.
setInterval(() => undefined, 60_000);
