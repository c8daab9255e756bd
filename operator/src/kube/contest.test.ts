// How often what others keep changing is put right, on a clock that a test moves.
import { expect, test } from '@jest/globals';
import { ContestedError, createApplier } from './apply.ts';
import type { KubeClient } from './client.ts';
import type { Contest } from './contest.ts';
import { kinds, type ConfigMap } from './testing/api.ts';
import { FakeClock } from './testing/fake-clock.ts';
import type { KubeObject } from './types.ts';

const MINUTE = 60_000;

const desired = (value = '1'): ConfigMap => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'a', namespace: 'ns' },
  data: { value },
});

const complete = { 'f:metadata': { 'f:annotations': { 'f:hash': {} } }, 'f:data': { 'f:value': {} } };

/** An API server with one object, and an operator that looks at it. */
function world() {
  const clock = new FakeClock();
  let live: ConfigMap | undefined;
  let writes = 0;
  const client = {
    apply: (_: unknown, object: ConfigMap) => {
      writes += 1;
      const managedFields = [{ manager: 'we', operation: 'Apply', fieldsV1: complete }];
      live = { ...object, metadata: { ...object.metadata, uid: 'u', managedFields } };
      return Promise.resolve(live);
    },
    applyStatus: (_: unknown, object: KubeObject) => {
      writes += 1;
      return Promise.resolve(object);
    },
  } as unknown as KubeClient;
  const applier = createApplier({ client, fieldManager: 'we', hashAnnotation: 'hash', clock });

  return {
    clock,
    applier,
    writes: () => writes,
    /** Another manager changes the value. */
    take(manager = 'thief'): void {
      if (!live) throw new Error('nothing to take');
      const managedFields = [
        { manager: 'we', operation: 'Apply', fieldsV1: { 'f:metadata': complete['f:metadata'] } },
        { manager, operation: 'Update', fieldsV1: { 'f:data': { 'f:value': {} } } },
      ];
      live = { ...live, metadata: { ...live.metadata, managedFields } };
    },
    /** Another operator of our name applies what it wants: the same fields. */
    override(): void {
      if (!live) throw new Error('nothing to override');
      live = { ...live, metadata: { ...live.metadata, annotations: { hash: 'theirs' } } };
    },
    remove(): void {
      live = undefined;
    },
    /** One reconcile. */
    async look(content = desired()): Promise<Contest | undefined> {
      try {
        return (await applier.ensure(kinds.configMap, content, live, { isOurs: () => true })).contest;
      } catch (error) {
        if (error instanceof ContestedError) return error.contest;
        throw error;
      }
    },
  };
}

/** The other one changes the object whenever it is right, and each change is looked at, for so long. */
async function fight(it: ReturnType<typeof world>, ms: number, step = 100): Promise<Contest | undefined> {
  let contest: Contest | undefined;
  for (const until = it.clock.monotonic() + ms; it.clock.monotonic() < until;) {
    const seen = it.writes();
    contest = await it.look();
    if (it.writes() > seen) it.take();
    await it.clock.advance(step);
  }
  return contest;
}

test('an edit now and then is put right at once, for ever', async () => {
  const it = world();
  await it.look();
  for (let edit = 1; edit <= 50; edit += 1) {
    await it.clock.advance(11 * MINUTE);
    it.take();
    expect(await it.look()).toBeUndefined();
    expect(it.writes()).toBe(1 + edit);
  }
});

test('five edits in a row, too', async () => {
  const it = world();
  await it.look();
  for (let edit = 1; edit <= 5; edit += 1) {
    it.take();
    expect(await it.look()).toBeUndefined();
    expect(it.writes()).toBe(1 + edit);
  }
});

test('and again five, ten minutes after the last ones', async () => {
  const it = world();
  await it.look();
  for (let i = 1; i <= 10; i++) {
    if (i === 6) await it.clock.advance(10 * MINUTE);
    it.take();
    await it.look();
    expect(it.writes()).toBe(1 + i);
  }
});

test('who never stops gets 15 writes in ten minutes, and 12 an hour later on', async () => {
  const it = world();
  await fight(it, 10 * MINUTE);
  expect(it.writes()).toBeLessThanOrEqual(15);
  expect(it.writes()).toBeGreaterThan(10);
  await fight(it, 10 * MINUTE, 1_000);
  const before = it.writes();
  await fight(it, 60 * MINUTE, 1_000);
  expect(it.writes() - before).toBeLessThanOrEqual(12);
  expect(it.writes() - before).toBeGreaterThanOrEqual(11);
});

test('the contest says who, and which field, and does not change while it goes on', async () => {
  const it = world();
  await fight(it, 3_000);
  const said = new Set<string>();
  for (let look = 0; look < 20; look += 1) {
    it.take(look % 2 === 0 ? 'thief' : 'accomplice');
    const { takers, deleted } = (await it.look()) ?? {};
    said.add(JSON.stringify({ takers, deleted }));
    await it.clock.advance(10);
  }
  expect([...said]).toEqual([JSON.stringify({ takers: [{ manager: 'thief', fields: ['data'] }], deleted: false })]);
});

test('it is over when a repair has held for a minute, and goes on where it was when it begins again', async () => {
  const it = world();
  const contest = await fight(it, 8_000);
  await it.clock.advance(contest?.againMs ?? 0);
  const { againMs = 0 } = (await it.look()) ?? {};
  expect(againMs).toBe(MINUTE);
  await it.clock.advance(againMs - 1);
  expect(await it.look()).toBeDefined();
  await it.clock.advance(1);
  expect(await it.look()).toBeUndefined();

  const before = it.writes();
  it.take();
  expect(await it.look()).toBeDefined();
  expect(it.writes()).toBe(before + 1);
  it.take();
  await it.look();
  expect(it.writes()).toBe(before + 1);
});

test('a deleted object is made again at the same pace', async () => {
  const it = world();
  let contest: Contest | undefined;
  for (let look = 0; look < 20; look += 1) {
    contest = await it.look();
    it.remove();
  }
  expect(it.writes()).toBe(6);
  expect(contest).toMatchObject({ deleted: true, takers: [] });
});

test('what is deleted by us and wanted again is no contest', async () => {
  const it = world();
  for (let round = 0; round < 20; round += 1) {
    expect(await it.look()).toBeUndefined();
    it.remove();
    it.applier.forget(kinds.configMap, { namespace: 'ns', name: 'a' });
  }
  expect(it.writes()).toBe(20);
});

test('a change of what is wanted is applied at once, also in a contest', async () => {
  const it = world();
  await fight(it, 3_000);
  const before = it.writes();
  await it.look(desired('2'));
  expect(it.writes()).toBe(before + 1);
});

test('another operator of our name is one, too', async () => {
  const it = world();
  let contest: Contest | undefined;
  for (let look = 0; look < 20; look += 1) {
    contest = (await it.look()) ?? contest;
    it.override();
  }
  expect(it.writes()).toBe(6);
  expect(contest?.takers).toEqual([{ manager: 'we', fields: [] }]);
});

test('status is contested like everything else', async () => {
  const it = world();
  const server = { ...desired(), status: { url: 'ours' } };
  const live = { ...desired(), metadata: { ...desired().metadata, uid: 'u' }, status: { url: 'theirs' } };
  for (let look = 0; look < 20; look += 1) {
    await it.applier.ensureStatus(kinds.widget, server, live).catch((error: unknown) => {
      expect(error).toBeInstanceOf(ContestedError);
    });
  }
  expect(it.writes()).toBe(6);
});
