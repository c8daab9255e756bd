import { expect, test } from '@jest/globals';
import { ApiError } from './errors.ts';
import { kinds } from './testing/api.ts';
import { FakeClock } from './testing/fake-clock.ts';
import { FakeWatchServer, object } from './testing/fake-watch.ts';
import type { KubeObject } from './types.ts';
import { createInformer } from './watch.ts';
import type { Informer, InformerOptions } from './watch.ts';

const gone = new ApiError({ status: 410, reason: 'Expired', message: 'too old resource version' });
const unreachable = new ApiError({ status: 0, reason: 'Network', message: 'ECONNREFUSED' });
const busy = new ApiError({ status: 429, reason: 'TooManyRequests', message: 'busy', retryAfterMs: 7_000 });
const forbidden = new ApiError({ status: 403, reason: 'Forbidden', message: 'no' });
const broken = new ApiError({ status: 500, reason: 'InternalError', message: 'conversion webhook' });
const missing = new ApiError({ status: 404, reason: 'MissingKind', message: 'no such kind' });

interface Setup {
  server: FakeWatchServer;
  clock: FakeClock;
  informer: Informer<KubeObject>;
  log: string[];
  /** The phases that were answers. */
  answers: string[];
  errors: unknown[];
}

async function setup(
  options: Partial<InformerOptions<KubeObject>> = {},
  prepare?: (server: FakeWatchServer) => void,
): Promise<Setup> {
  const server = new FakeWatchServer();
  const clock = new FakeClock();
  const log: string[] = [];
  const answers: string[] = [];
  const errors: unknown[] = [];
  prepare?.(server);
  const informer = createInformer<KubeObject>({
    client: server.client,
    resource: kinds.configMap,
    clock,
    random: () => 0,
    onError: (error) => errors.push(error),
    ...options,
  });
  informer.on({
    onAdd: ({ metadata }) => log.push(`+${metadata.name}`),
    onUpdate: (_, { metadata }) => log.push(`~${metadata.name}`),
    onDelete: ({ metadata }) => log.push(`-${metadata.name}`),
    onState: ({ phase }) => log.push(phase),
    onAnswer: ({ phase }) => answers.push(phase),
  });
  informer.start();
  await clock.advance(0);
  return { server, clock, informer, log, answers, errors };
}

test('a watch continues where the last one ended: at the last event or bookmark', async () => {
  const { server, clock } = await setup();
  expect(server.current.options.resourceVersion).toBe('10');
  await server.current.send({ type: 'ADDED', object: object('a', '12') });
  await clock.advance(2_000);
  await server.current.end();
  expect(server.current.options.resourceVersion).toBe('12');
  await server.current.send({ type: 'BOOKMARK', object: object('', '99') });
  await clock.advance(2_000);
  await server.current.end();
  expect(server.current.options.resourceVersion).toBe('99');
  expect([server.watches.length, server.listed]).toEqual([3, 1]);
});

test('the server is asked to end each watch after a random time of 5 to 10 minutes', async () => {
  const { server } = await setup();
  expect(server.current.options.timeoutSeconds).toBe(300);
  const other = await setup({ random: () => 0.999 });
  expect(Math.ceil(other.server.current.options.timeoutSeconds)).toBe(600);
});

test('410 lists again, at once, and tells what changed meanwhile', async () => {
  const first = {
    resourceVersion: '10',
    items: [object('kept', '1'), object('changed', '2'), object('gone', '3'), object('new', '4', 'uid-1')],
  };
  const second = {
    resourceVersion: '50',
    items: [object('kept', '1'), object('changed', '20'), object('new', '30', 'uid-2')],
  };
  const { server, log, clock, informer } = await setup({}, (server) => (server.lists = [first, second]));
  expect(log.splice(0)).toEqual(['+kept', '+changed', '+gone', '+new', 'synced']);
  await clock.advance(2_000);
  await server.current.fail(gone);
  expect(log).toEqual(['-gone', '~changed', '-new', '+new']);
  expect(server.current.options.resourceVersion).toBe('50');
  expect(informer.store.get('ns/changed')?.metadata.resourceVersion).toBe('20');
});

test('410 again and again is no hot loop', async () => {
  const { server, clock } = await setup({}, (server) => (server.refusal = gone));
  await clock.advance(60_000);
  expect(server.listed).toBeLessThan(15);
});

test('an event that the API server can not send is passed by listing again', async () => {
  const broken = new ApiError({ status: 500, reason: 'InternalError', message: 'conversion failed' });
  const { server, clock, informer } = await setup({}, (server) => (server.refusal = broken));
  await clock.advance(100 + 200 - 1);
  expect([server.watches.length, server.listed]).toEqual([2, 1]);
  await clock.advance(400 + 800);
  expect(server.listed).toBeGreaterThan(1);
  server.lists = [{ resourceVersion: '50', items: [] }];
  server.refusal = undefined;
  await clock.advance(30_000);
  expect([informer.state().phase, server.current.options.resourceVersion]).toEqual(['synced', '50']);
});

test('a silent watch is given up and continued', async () => {
  const { server, clock, errors, informer } = await setup();
  await server.current.send({ type: 'ADDED', object: object('a', '12') });
  await clock.advance(60_000);
  await server.current.send({ type: 'BOOKMARK', object: object('', '20') });
  await clock.advance(99_999);
  expect(server.watches).toHaveLength(1);
  await clock.advance(200);
  expect(server.watches).toHaveLength(2);
  expect(server.current.options.resourceVersion).toBe('20');
  expect(String(errors[0])).toMatch('nothing heard for 100 s');
  expect(informer.state().phase).toBe('synced');
});

test('an API server that accepts no watch is given up sooner', async () => {
  const { server, clock } = await setup();
  const watch = server.client.watch.bind(server.client);
  let opened = 0;
  const client = {
    ...server.client,
    watch: (...args: Parameters<typeof watch>) => {
      opened += 1;
      return watch(args[0], { ...args[1], onOpen: () => undefined });
    },
  };
  const informer = createInformer({ client, resource: kinds.configMap, clock, random: () => 0 });
  informer.start();
  await clock.advance(16_000);
  expect(opened).toBe(2);
  await informer.stop();
});

test('while unreachable it is tried at least every two seconds', async () => {
  const { server, clock, informer, log, answers } = await setup();
  await clock.advance(5_000);
  server.refusal = unreachable;
  await server.current.fail(unreachable);
  await clock.advance(120_000);
  expect(informer.state()).toMatchObject({ phase: 'retrying', message: 'ECONNREFUSED' });
  expect(informer.answered().phase).toBe('synced');
  const tries = server.watches.length;
  server.refusal = undefined;
  await clock.advance(2_000);
  expect(server.watches.length).toBe(tries + 1);
  expect(log).toEqual(['synced', 'retrying', 'synced']);
  expect(answers).toEqual(['synced']);
});

test('one dropped connection is not worth telling', async () => {
  const { server, clock, log, informer } = await setup();
  await clock.advance(5_000);
  await server.current.fail(unreachable);
  await clock.advance(100);
  expect(log).toEqual(['synced']);
  expect([server.watches.length, informer.state().phase]).toEqual([2, 'synced']);
});

test('after an outage the first refusals are retried soon: the API server is only starting', async () => {
  const { server, clock, informer, answers } = await setup();
  await clock.advance(5_000);
  server.refusal = unreachable;
  await server.current.fail(unreachable);
  await clock.advance(60_000);
  server.refusal = forbidden;
  const tries = server.watches.length;
  for (let ms = 0; ms < 10_000 && answers.length === 1; ms += 50) await clock.advance(50);
  expect([server.watches.length - tries, answers]).toEqual([6, ['synced', 'forbidden']]);
  expect(informer.state()).toMatchObject({ phase: 'forbidden', message: 'no' });
  server.refusal = undefined;
  await clock.advance(3_200);
  expect(informer.state().phase).toBe('synced');
});

test.each([
  ['absent', missing],
  ['forbidden', forbidden],
])('that it is %s holds while there is no contact, and not when it fails otherwise', async (phase, refusal) => {
  const { server, clock, informer, answers } = await setup({}, (server) => (server.lists = [refusal]));
  server.lists = [unreachable];
  await clock.advance(60_000);
  expect([informer.state().phase, informer.answered().phase]).toEqual(['retrying', phase]);
  server.lists = [refusal];
  await clock.advance(8_000);
  expect([informer.state().phase, answers]).toEqual([phase, [phase]]);
  server.lists = [busy];
  await clock.advance(60_000);
  expect([informer.answered().phase, answers]).toEqual([phase, [phase]]);
  server.lists = [broken];
  await clock.advance(60_000);
  expect([informer.answered().phase, answers]).toEqual(['starting', [phase, 'starting']]);
});

test('errors back off exponentially up to 30 s, and Retry-After is honoured', async () => {
  const { server, clock } = await setup({}, (server) => (server.lists = [forbidden]));
  await clock.advance(100 + 200 + 400 + 800);
  expect(server.listed).toBe(5);
  await clock.advance(300_000);
  expect(server.listed).toBe(5 + 5 + 8);
  server.lists = [busy];
  await clock.advance(30_000);
  const before = server.listed;
  await clock.advance(6_900);
  expect(server.listed).toBe(before);
});

test('Retry-After counts from the first refusal on', async () => {
  const { server, clock } = await setup({}, (server) => (server.lists = [busy]));
  await clock.advance(6_999);
  expect(server.listed).toBe(1);
  await clock.advance(1);
  expect(server.listed).toBe(2);
});

test('jitter shortens delays by up to a half', async () => {
  const { server, clock } = await setup({ random: () => 0.999 }, (server) => (server.lists = [forbidden]));
  await clock.advance(51);
  expect(server.listed).toBe(2);
});

test('a missing kind is looked for slowly, and at once when poked', async () => {
  const { server, clock, informer, log } = await setup({}, (server) => (server.lists = [missing]));
  await informer.settled();
  await clock.advance(29_000);
  expect([informer.state().phase, server.listed, informer.hasSynced()]).toEqual(['absent', 1, false]);
  await clock.advance(1_000);
  expect(server.listed).toBe(2);
  server.lists = [{ resourceVersion: '1', items: [object('a', '1')] }];
  informer.poke();
  await clock.advance(0);
  expect([informer.state().phase, informer.hasSynced(), log]).toEqual(['synced', true, ['absent', '+a', 'synced']]);
});

test('a poke while an attempt is under way is not lost', async () => {
  const answered = Promise.withResolvers<undefined>();
  const { server, clock, informer } = await setup({ timings: { absentMs: 1e9 } }, (server) => {
    server.lists = [missing];
    server.gate = answered.promise;
  });
  informer.poke();
  answered.resolve(undefined);
  await clock.advance(1);
  expect(server.listed).toBe(2);
});

test('watches that end at once are a fault, not a loop', async () => {
  const { server, clock } = await setup();
  for (let i = 0; i < 5; i++) {
    await server.current.end();
    await clock.advance(100 * 2 ** i - 1);
    expect(server.watches).toHaveLength(i + 1);
    await clock.advance(1);
    expect(server.watches).toHaveLength(i + 2);
  }
});

test('an incomplete list is none: what was not read is not forgotten', async () => {
  const { server, informer } = await setup(
    {},
    (server) => (server.lists = [{ resourceVersion: '10', items: [object('a', '1')] }]),
  );
  const client = server.client;
  const pages = async function* (): AsyncGenerator {
    yield await Promise.resolve({ resourceVersion: '77', items: [] });
    throw gone;
  };
  const clock = new FakeClock();
  const broken = createInformer({
    client: { ...client, pages } as never,
    resource: kinds.configMap,
    clock,
    random: () => 0,
  });
  broken.start();
  await clock.advance(1_000);
  expect([broken.hasSynced(), broken.state().phase]).toEqual([false, 'retrying']);
  expect(server.watches).toHaveLength(1);
  await Promise.all([broken.stop(), informer.stop()]);
});

test('a handler that throws is reported, and neither the others nor the informer notice', async () => {
  const { server, informer, errors, log } = await setup();
  informer.on({
    onAdd: () => {
      throw new Error('handler failed');
    },
  });
  const remove = informer.on({ onAdd: ({ metadata }) => log.push(`second ${metadata.name}`) });
  await server.current.send({ type: 'ADDED', object: object('a', '11') });
  expect(errors.map(String)).toEqual(['Error: handler failed']);
  expect(log).toEqual(['synced', '+a', 'second a']);
  remove();
  await server.current.send({ type: 'MODIFIED', object: object('a', '12') });
  await server.current.send({ type: 'DELETED', object: object('a', '13') });
  expect(log.slice(3)).toEqual(['~a', '-a']);
});

test('late handlers are told what is known', async () => {
  const { server, informer } = await setup();
  await server.current.send({ type: 'ADDED', object: object('a', '11') });
  const late: string[] = [];
  informer.on({ onAdd: ({ metadata }) => late.push(metadata.name) });
  expect(late).toEqual(['a']);
});

test('that of an object that was just written goes on from there: nothing is read, and nobody told', async () => {
  const server = new FakeWatchServer();
  const clock = new FakeClock();
  const informer = createInformer<KubeObject>({ client: server.client, resource: kinds.secret, name: 'a', clock });
  const log: string[] = [];
  informer.on({
    onAdd: () => log.push('added'),
    onUpdate: () => log.push('updated'),
    onState: ({ phase }) => log.push(phase),
  });
  informer.start(object('a', '12'));
  expect([informer.hasSynced(), informer.state().phase]).toEqual([true, 'synced']);
  expect(informer.store.get('ns/a')?.metadata.resourceVersion).toBe('12');
  await clock.advance(0);
  // A client that could GET isn't there.
  expect(server.current.options.resourceVersion).toBe('12');
  expect(log).toEqual([]);
  await server.current.send({ type: 'MODIFIED', object: object('a', '13') });
  expect(log).toEqual(['updated']);
  await informer.stop();
});

test('the watch needn’t tell of what was observed before it', async () => {
  const { server, informer, log } = await setup();
  const seen: string[] = [];
  informer.on({ onAdd: (_, own) => seen.push(own ? 'own' : 'watch') });
  const version = (resourceVersion: string, uid = object('a', '11').metadata.uid ?? '') => ({
    namespace: 'ns',
    name: 'a',
    uid,
    resourceVersion,
  });
  const isKnown = server.current.options.isKnown;
  expect(isKnown?.(version('11'))).toBe(false);
  informer.observe(object('a', '11'));
  expect(['11', '12'].map((resourceVersion) => isKnown?.(version(resourceVersion)))).toEqual([true, false]);
  expect(isKnown?.(version('11', 'another'))).toBe(false);
  expect([seen, log]).toEqual([['own'], ['synced', '+a']]);
});

test('stop ends the watch and leaves no timer', async () => {
  const { server, clock, informer } = await setup();
  await informer.stop();
  expect(server.current.options.signal.aborted).toBe(true);
  expect([clock.timers, informer.state().phase]).toEqual([0, 'stopped']);
  const waiting = await setup({}, (server) => (server.lists = [forbidden]));
  await waiting.informer.stop();
  expect(waiting.clock.timers).toBe(0);
});

test('transform decides what is kept', async () => {
  const { informer } = await setup(
    { transform: (each) => ({ ...each, metadata: { ...each.metadata, labels: { kept: 'yes' } } }) },
    (server) => (server.lists = [{ resourceVersion: '10', items: [object('a', '1')] }]),
  );
  expect(informer.store.list()[0]?.metadata.labels).toEqual({ kept: 'yes' });
});
