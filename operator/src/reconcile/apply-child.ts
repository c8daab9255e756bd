import { ContestedError, keyOf, type Contest, type Ensured, type KubeObject, type Resource } from '../kube/index.ts';
import { InvalidConfigError } from '../resources/index.ts';
import { contested } from './contested.ts';
import { isPassing, problemOf, terminal, type Problem } from './errors.ts';
import { isOurs, liveChild, observerOf, type Run } from './run.ts';
import { fails, lookAgain, type Cause } from './status.ts';

/**
 * Applies one child, where it differs. A problem becomes the finding about `cause`.
 *
 * @returns whether it is there as it should be
 */
export async function applyChild(
  run: Run,
  cause: Cause,
  resource: Resource,
  build: () => KubeObject,
): Promise<boolean> {
  const { report, applier, server, signal } = run;
  const failed = (problem: Problem): false => {
    report.causes[cause] ??= fails(problem);
    return false;
  };
  let desired: KubeObject;
  try {
    desired = build();
  } catch (error) {
    if (error instanceof InvalidConfigError) return failed(terminal('Rejected', error.message));
    throw error;
  }
  const { kind, metadata } = desired;
  const tell = (contest: Contest): void => {
    lookAgain(report, contest.againMs);
    failed(contested(contest, resource, metadata));
  };
  try {
    const live = liveChild(run, resource, metadata.name);
    const informer = observerOf(run, resource);
    const ensured = await applier.ensure(resource, desired, live, { isOurs: isOurs(server), informer, signal });
    run.applied.set(`${kind}/${metadata.name}`, { ...ensured, object: keptOf(run, resource, ensured) });
    if (ensured.contest) tell(ensured.contest);
    return true;
  } catch (error) {
    if (isPassing(error)) throw error;
    if (error instanceof ContestedError) {
      tell(error.contest);
      return false;
    }
    const problem = problemOf(error, `${kind} ${keyOf(metadata)}`);
    // Its going away wakes us.
    if (problem.reason === 'Conflict') run.looks.look(run.caches.metadataOf(resource), metadata);
    return failed(problem);
  }
}

/** What the caches keep of this very version: the answer itself is larger, and would be held until the reconcile ends. */
function keptOf(run: Run, resource: Resource, { action, object }: Ensured<KubeObject>): KubeObject {
  const { name, resourceVersion } = object.metadata;
  const kept = action === 'unchanged' ? undefined : liveChild(run, resource, name);
  return kept && kept.metadata.resourceVersion === resourceVersion ? kept : object;
}
