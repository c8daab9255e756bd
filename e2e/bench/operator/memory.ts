import type { World } from './world.ts';

export async function sampleMemory(world: World, after: string, resources: number): Promise<void> {
  const operator = await world.operator();
  world.results.memory.push({ after, resources, ...operator.memory(), connections: operator.connections() });
}
