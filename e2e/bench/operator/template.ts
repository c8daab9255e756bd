/** The writes that one KcpMcpServer takes, as the operator makes them: recorded once, then made again for others. */
import { nowMs } from './audit-log.ts';
import { collections, kcpMcpServer, places, TEMPLATE } from './objects.ts';
import type { Place } from './objects.ts';
import { clear, create, followUntilQuiet, grantAll } from './population.ts';
import { APPLY } from './pool.ts';
import { countOf } from './results.ts';
import type { ContestRound } from './results.ts';
import { cpuBetween, ownWrites } from './world.ts';
import type { World } from './world.ts';

export interface Template {
  uid: string;
  writes: { method: 'POST' | 'PATCH'; path: string; contentType: string; body: string }[];
}

export async function recordTemplate(world: World): Promise<Template> {
  await grantAll(world, [TEMPLATE]);
  // The first of all has a status more: its issuer has to be asked.
  await create(world, places(1));
  await world.operatorRequests();
  const path = collections['kcpmcpservers']?.(TEMPLATE.namespace) ?? '';
  const created = (await world.admin.send({
    method: 'POST',
    path,
    body: kcpMcpServer(TEMPLATE, world.issuer.url),
  })) as {
    metadata: { uid: string };
  };
  const requests = await followUntilQuiet(world);
  await clear(world);
  const writes = ownWrites(requests)
    .filter(({ namespace, code }) => namespace === TEMPLATE.namespace && code < 300)
    .map(({ verb, uri, body }) =>
      verb === 'create'
        ? ({ method: 'POST', path: uri, contentType: 'application/json', body: JSON.stringify(body) } as const)
        : ({ method: 'PATCH', path: uri, contentType: APPLY, body: JSON.stringify(body) } as const),
    );
  if (writes.length < 7) throw new Error(`recorded ${writes.length} writes: too few for all children and a status`);
  return { uid: created.metadata.uid, writes };
}

/**
 * One client with 16 connections and nothing to think about: for each place it creates the KcpMcpServer and makes the recorded
 * writes, one after the other, sixteen places at a time. It reads nothing and watches nothing.
 */
export async function writeFlatOut(
  world: World,
  template: Template,
  places: readonly Place[],
): Promise<ContestRound['flatOut']> {
  await world.flatOutRequests();
  const cpu = await world.cpu();
  const firstMs = nowMs();
  await world.flatOut.each(places, async (place, index) => {
    const path = collections['kcpmcpservers']?.(place.namespace) ?? '';
    const { metadata } = (await world.admin.send({
      method: 'POST',
      path,
      body: kcpMcpServer(place, world.issuer.url),
    })) as {
      metadata: { uid: string };
    };
    const adapt = (text: string): string =>
      text
        .replaceAll(TEMPLATE.namespace, place.namespace)
        .replaceAll(TEMPLATE.name, place.name)
        .replaceAll(template.uid, metadata.uid);
    for (const { method, path: at, contentType, body } of template.writes) {
      const call = { method, path: adapt(at), contentType, body: adapt(body) };
      // Names of events are random.
      if (method === 'POST') call.body = call.body.replace(/\.[0-9a-f]{16}"/, `.${String(index).padStart(16, '0')}"`);
      await world.flatOut.send(call);
    }
  });
  const ms = Math.round(nowMs() - firstMs);
  const cpuMs = cpuBetween(cpu, await world.cpu());
  return { ms, writes: countOf(ownWrites(await world.flatOutRequests())), cpuMs };
}
