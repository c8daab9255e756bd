import { places } from '../objects.ts';
import { clear, create } from '../population.ts';
import { sampleMemory } from '../memory.ts';
import type { World } from '../world.ts';

/** Half of them, created at once: what the peers were measured with. */
export async function created(world: World): Promise<void> {
  const some = places(Math.ceil(world.options.resources / 2));
  await world.progress.step(`${some.length} created at once`, async () => {
    world.results.created = await create(world, some);
    await sampleMemory(world, 'creation', some.length);
    await clear(world);
  });
}
