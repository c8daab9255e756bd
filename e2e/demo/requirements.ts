// What `make demo` needs of the machine it runs on.
import { spawnSync } from 'node:child_process';
import { hasGo, nodeRequirements } from '../cluster/requirements.ts';
import { contextNames, kubeconfigFiles } from './context.ts';

/**
 * What is missing here, each with what to do about it; empty when the demo can run.
 *
 * @param context DEMO_CONTEXT: with it no node of our own is needed, but images that the cluster's nodes can get
 */
export function missingFor(context: string | undefined): string[] {
  if (context === undefined) {
    const missing = nodeRequirements();
    const elsewhere =
      'or use a cluster of yours, without root: DEMO_CONTEXT=kind-kind make demo (a context of your kubeconfig)';
    return missing.length === 0 ? [] : [...missing, elsewhere];
  }
  const missing: string[] = [];
  const known = contextNames();
  if (!known.includes(context)) {
    const others = known.length > 0 ? `it has ${known.join(', ')}` : 'it has none';
    return [`no context ${context} in ${kubeconfigFiles().join(', ')}: ${others}`];
  }
  const needs = (program: string, argument: string, cure: string): void => {
    if (spawnSync(program, [argument], { stdio: 'ignore' }).error) missing.push(`${program} is missing: ${cure}`);
  };
  if (!hasGo())
    missing.push('go is missing: install Go 1.21 or later; the kcp stand-in is built from Kubernetes sources');
  needs('openssl', 'version', 'install openssl');
  if (imagesOf(process.env) === undefined) {
    if (!context.startsWith('kind-')) {
      missing.push(
        `nodes of ${context} can't get images from here: push them and set OPERATOR_IMAGE and RUNTIME_IMAGE (README, Install)`,
      );
    } else {
      needs('docker', '--version', 'install Docker, or set OPERATOR_IMAGE and RUNTIME_IMAGE');
      needs('kind', 'version', 'install kind, or set OPERATOR_IMAGE and RUNTIME_IMAGE');
    }
  }
  return missing;
}

export interface Images {
  operator: string;
  runtime: string;
}

/** The images that OPERATOR_IMAGE and RUNTIME_IMAGE name; undefined unless both are set. */
export function imagesOf(env: NodeJS.ProcessEnv): Images | undefined {
  const { OPERATOR_IMAGE: operator, RUNTIME_IMAGE: runtime } = env;
  return operator && runtime ? { operator, runtime } : undefined;
}
