import { setTimeout as delay } from 'node:timers/promises';
import { nowMs } from '../audit-log.ts';
import { sampleMemory } from '../memory.ts';
import { collections, kcpMcpServer, keyOf, namespaces } from '../objects.ts';
import { follow, followUntilQuiet, grantAll, Served } from '../population.ts';
import { countOf } from '../results.ts';
import { ownWrites } from '../world.ts';
import type { World } from '../world.ts';
import { ensureReady } from './contest.ts';

const AWAY_MS = 12_000;
const ROUNDS = 3;

/** The API server is killed and comes back; a new resource wants to be served. */
export async function away(world: World): Promise<void> {
  await ensureReady(world);
  for (let round = 1; round <= ROUNDS; round++) {
    await world.progress.step(`API server away for ${AWAY_MS / 1000} s, ${round} of ${ROUNDS}`, () =>
      once(world, round),
    );
  }
  await sampleMemory(world, 'the API server was away', world.options.resources);
}

async function once(world: World, round: number): Promise<void> {
  const place = { namespace: namespaces[0] ?? '', name: `server-aw0${round}` };
  await grantAll(world, [place]);
  await followUntilQuiet(world, 1_000);
  await world.plane.kill();
  const killedMs = nowMs();
  await delay(AWAY_MS);
  await world.plane.restart();
  const backMs = nowMs();
  const served = new Served([place]);
  const path = collections['kcpmcpservers']?.(place.namespace) ?? '';
  await world.admin.send({ method: 'POST', path, body: kcpMcpServer(place, world.issuer.url) });
  const requests = await follow(world, 'the new resource', (some) => {
    served.take(some);
    return served.all;
  });
  await delay(world.options.quick ? 1_000 : 30_000);
  world.results.away.push({
    awayMs: Math.round(backMs - killedMs),
    servedMs: Math.round((served.at.get(keyOf(place)) ?? NaN) - backMs),
    writes: countOf(ownWrites(requests)),
    later: countOf(ownWrites(await world.operatorRequests())),
  });
}
