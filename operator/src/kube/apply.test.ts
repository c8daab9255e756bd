import { expect, test } from '@jest/globals';
import { createApplier, isApplied, withHash } from './apply.ts';
import type { Applier } from './apply.ts';
import type { ApplyOptions, KubeClient } from './client.ts';
import { ApiError, isConflict } from './errors.ts';
import { kinds } from './testing/api.ts';
import type { ConfigMap } from './testing/api.ts';
import type { KubeObject } from './types.ts';

const options = { fieldManager: 'm', hashAnnotation: 'example.com/hash' };
const always = { isOurs: () => true };

const desired = (value = '1'): ConfigMap => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'a', namespace: 'ns' },
  data: { value },
});

/** What the API server makes of an apply: its ownership is `owned`. */
function stored(applied: KubeObject, owned: Record<string, unknown>): KubeObject {
  const managedFields = [{ manager: 'm', operation: 'Apply', fieldsV1: owned }];
  return { ...applied, metadata: { ...applied.metadata, uid: 'u', managedFields } };
}

const complete = {
  'f:metadata': { 'f:annotations': { 'f:example.com/hash': {} } },
  'f:data': { 'f:value': {} },
};

function setup(
  answer: (object: KubeObject, options: ApplyOptions) => KubeObject | ApiError,
  current?: KubeObject,
): {
  applier: Applier;
  writes: ApplyOptions[];
} {
  const writes: ApplyOptions[] = [];
  const client = {
    apply: (_: unknown, object: KubeObject, given: ApplyOptions) => {
      writes.push(given);
      const result = answer(object, given);
      return result instanceof ApiError ? Promise.reject(result) : Promise.resolve(result);
    },
    get: () => Promise.resolve(current),
  } as unknown as KubeClient;
  return { applier: createApplier({ client, ...options }), writes };
}

test('the hash depends on every value, and on no order', () => {
  const hash = (object: KubeObject): string | undefined => withHash(object, 'h').metadata.annotations?.['h'];
  const { data, ...rest } = desired();
  expect(hash({ data, ...rest } as ConfigMap)).toBe(hash(desired()));
  expect(hash(desired('2'))).not.toBe(hash(desired()));
  expect(hash({ ...desired(), extra: undefined, none: null } as KubeObject)).toBe(hash(desired()));
  expect(hash(withHash(desired(), 'h'))).not.toBe(hash(desired()));
});

test('another manager, a subresource or an Update of ours is not our share', () => {
  const wanted = withHash(desired(), options.hashAnnotation);
  const live = stored(wanted, complete);
  expect(isApplied(wanted, live, options)).toBe(true);
  const entry = live.metadata.managedFields?.[0];
  for (const other of [{ manager: 'x' }, { operation: 'Update' }, { subresource: 'status' }]) {
    const theirs = { ...live, metadata: { ...live.metadata, managedFields: [{ ...entry, ...other }] } };
    expect(isApplied(wanted, theirs, options)).toBe(false);
  }
});

test('ownership that the API server made otherwise than expected is accepted, until something changes', async () => {
  // as a mutating webhook does that sets a field that we applied
  const { 'f:data': _, ...odd } = complete;
  const { applier, writes } = setup((object) => stored(object, odd));
  const { object: live } = await applier.ensure(kinds.configMap, desired(), undefined, always);
  expect((await applier.ensure(kinds.configMap, desired(), live, always)).action).toBe('unchanged');
  expect(writes).toHaveLength(1);
  expect((await applier.ensure(kinds.configMap, desired('2'), live, always)).action).toBe('applied');
  const edited = stored(live, {});
  expect((await applier.ensure(kinds.configMap, desired('2'), edited as ConfigMap, always)).action).toBe('applied');
});

test('preconditions: absence for a new object, the uid for a known one', async () => {
  const { applier, writes } = setup((object) => stored(object, complete));
  const { object } = await applier.ensure(kinds.configMap, desired(), undefined, always);
  await applier.ensure(kinds.configMap, desired('2'), object, always);
  expect(writes).toMatchObject([
    { mustNotExist: true, force: true, fieldManager: 'm' },
    { uid: 'u', force: true },
  ]);
});

test('an object that is being deleted is left to go', async () => {
  const { applier, writes } = setup((object) => object);
  const leaving = {
    ...desired(),
    metadata: { ...desired().metadata, uid: 'u', deletionTimestamp: '2026-01-01T00:00:00Z' },
  };
  expect((await applier.ensure(kinds.configMap, desired('2'), leaving, always)).action).toBe('unchanged');
  expect(writes).toHaveLength(0);
});

test('an object that came and went while it was created is a conflict, to be tried again', async () => {
  const conflict = new ApiError({ status: 409, reason: 'Conflict', message: 'there is one' });
  const { applier } = setup(() => conflict);
  const failed = applier.ensure(kinds.configMap, desired(), undefined, always).catch((error: unknown) => error);
  expect(isConflict(await failed)).toBe(true);
});

test('the informer is told of what was written', async () => {
  const told: unknown[] = [];
  const { applier } = setup((object) => stored(object, complete));
  const informer = { observe: (object: unknown) => told.push(object) };
  const { object } = await applier.ensure(kinds.configMap, desired(), undefined, { ...always, informer });
  await applier.ensure(kinds.configMap, desired(), object, { ...always, informer });
  expect(told).toEqual([object]);
});
