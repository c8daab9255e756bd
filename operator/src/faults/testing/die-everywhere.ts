import type { Environment } from '../../reconcile/testing/environment.ts';
import { live, type Life } from './life.ts';
import type { Cut } from './mortal-client.ts';
import { snapshot } from './snapshot.ts';

/** Lives at a time. */
const ABREAST = 8;

/** Objects of a life by name, in each of its two namespaces: their texts. */
export type Remains = [name: string, text: string][][];

export interface Deaths {
  undisturbed: Life & { remains: Remains };
  /** One for each cut that there was; some may not have come to theirs. */
  disturbed: (Life & { remains: Remains })[];
}

/**
 * One undisturbed life, then one for each (or `every` second, third …) write of it, and each of `whens`, in which the operator dies there.
 * How often the status is written depends on how much comes together, so some lives have a write less, or one more.
 */
export async function dieEverywhere(env: Environment, every: number, whens: readonly Cut['when'][]): Promise<Deaths> {
  const undisturbed = await live(env);
  const numbers = Array.from({ length: undisturbed.writes.length + 1 }, (_, i) => i + 1).filter((n) => n % every === 0);
  const cuts = numbers.flatMap((write) => whens.map((when) => ({ write, when })));
  const disturbed: Life[] = [];
  const worker = async (): Promise<void> => {
    for (let cut = cuts.shift(); cut; cut = cuts.shift()) disturbed.push(await live(env, cut));
  };
  await Promise.all(Array.from({ length: ABREAST }, worker));

  const objects = await snapshot(env.api);
  const withRemains = (life: Life) => {
    const { namespace, source } = life.it;
    const neutral = (text: string) => text.replaceAll(namespace, 'NAMESPACE').replaceAll(source, 'SOURCE');
    const remains = [namespace, source].map((place) =>
      [...(objects.get(place) ?? [])]
        .map(([name, text]): [string, string] => [neutral(name), neutral(text)])
        .toSorted(),
    );
    return { ...life, remains };
  };
  return { undisturbed: withRemains(undisturbed), disturbed: disturbed.map(withRemains) };
}
