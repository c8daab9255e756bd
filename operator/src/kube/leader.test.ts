import { expect, test } from '@jest/globals';
import { createLeaderElection } from './leader.ts';
import type { LeaderElection, LeaderElectionOptions } from './leader.ts';
import { FakeClock, settle } from './testing/fake-clock.ts';
import { FakeLeases } from './testing/fake-leases.ts';

interface Candidate {
  election: LeaderElection;
  terms: AbortSignal[];
  log: string[];
}

function setup(): { clock: FakeClock; leases: FakeLeases; candidate: typeof candidate; log: string[] } {
  const clock = new FakeClock();
  const leases = new FakeLeases(() => clock.monotonic());
  const log: string[] = [];
  function candidate(identity: string, options: Partial<LeaderElectionOptions> = {}): Candidate {
    const terms: AbortSignal[] = [];
    const election = createLeaderElection({
      client: leases.client(identity),
      namespace: 'ns',
      name: 'lease',
      identity,
      clock,
      random: () => 0,
      onElected: (term) => {
        log.push(`${identity} elected`);
        terms.push(term);
      },
      onLost: () => log.push(`${identity} lost (${terms.at(-1)?.aborted === true ? 'aborted' : 'at work'})`),
      ...options,
    });
    election.start();
    return { election, terms, log };
  }
  return { clock, leases, candidate, log };
}

test('the first takes the lease and renews it every two seconds; the second waits', async () => {
  const { clock, leases, candidate, log } = setup();
  const a = candidate('a');
  await clock.advance(0);
  const b = candidate('b');
  await clock.advance(60_000);
  expect([a.election.isLeader(), b.election.isLeader()]).toEqual([true, false]);
  expect([a.election.leader(), b.election.leader()]).toEqual(['a', 'a']);
  expect(log).toEqual(['a elected']);
  expect(leases.writes.length).toBe(31);
  expect(leases.lease?.spec).toMatchObject({ holderIdentity: 'a', leaseDurationSeconds: 15, leaseTransitions: 0 });
  expect(leases.lease?.spec?.renewTime).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
});

test('a leader that is cut off stops its work before another starts', async () => {
  const { clock, leases, candidate, log } = setup();
  const a = candidate('a');
  await clock.advance(0);
  const b = candidate('b');
  await clock.advance(20_000);
  const lastRenewal = leases.writes.at(-1)?.at ?? 0;
  leases.down.add('a');
  await clock.advance(lastRenewal + 9_999 - clock.monotonic());
  expect([a.terms[0]?.aborted, a.election.isLeader()]).toEqual([false, true]);
  await clock.advance(1);
  expect([a.terms[0]?.aborted, a.election.isLeader()]).toEqual([true, false]);
  expect(log).toEqual(['a elected', 'a lost (aborted)']);
  await clock.advance(lastRenewal + 14_999 - clock.monotonic());
  expect(b.election.isLeader()).toBe(false);
  await clock.advance(4_000);
  expect(b.election.isLeader()).toBe(true);
  expect(log).toEqual(['a elected', 'a lost (aborted)', 'b elected']);
  expect(leases.lease?.spec).toMatchObject({ holderIdentity: 'b', leaseTransitions: 1 });
});

test('a request that hangs does not lengthen the term', async () => {
  const first = setup();
  const fresh = first.candidate('a');
  await first.clock.advance(0);
  first.leases.unanswered.add('a');
  await first.clock.advance(10_000);
  expect(fresh.terms[0]?.aborted).toBe(true);

  const { clock, leases, candidate, log } = setup();
  const { terms } = candidate('a');
  await clock.advance(4_500);
  const lastRenewal = leases.writes.at(-1)?.at ?? 0;
  leases.unanswered.add('a');
  await clock.advance(lastRenewal + 10_000 - clock.monotonic());
  expect([terms[0]?.aborted, log.at(-1)]).toEqual([true, 'a lost (aborted)']);
});

test('a short outage costs no term', async () => {
  const { clock, leases, candidate, log } = setup();
  const { terms, election } = candidate('a');
  await clock.advance(10_000);
  leases.down.add('a');
  await clock.advance(7_900);
  leases.down.delete('a');
  await clock.advance(30_000);
  expect([terms[0]?.aborted, election.isLeader()]).toEqual([false, true]);
  expect(log).toEqual(['a elected']);
});

test('a process that was stopped knows by the clock that it leads no more, before any timer fires', async () => {
  const { clock, candidate } = setup();
  const { election, terms } = candidate('a');
  await clock.advance(5_000);
  clock.freeze(10_001);
  expect([election.isLeader(), terms[0]?.aborted]).toEqual([false, false]);
  await clock.advance(0);
  expect(terms[0]?.aborted).toBe(true);
});

test('a wall clock set back or forth, or a holder with a wrong one, changes nothing', async () => {
  const { clock, leases, candidate } = setup();
  const a = candidate('a');
  await clock.advance(0);
  const b = candidate('b');
  await clock.advance(4_000);
  clock.set(Date.UTC(2040, 0, 1));
  await clock.advance(30_000);
  clock.set(Date.UTC(2001, 0, 1));
  await clock.advance(30_000);
  expect([a.election.isLeader(), b.election.isLeader()]).toEqual([true, false]);
  expect(leases.lease?.spec?.renewTime).toMatch(/^2001/);
});

test('stop ends the work first, then leaves the lease, and the next takes it at its next look', async () => {
  const { clock, leases, candidate, log } = setup();
  const work = Promise.withResolvers<undefined>();
  const a = candidate('a', {
    onElected: async (term) => {
      term.addEventListener('abort', () => log.push('told'));
      await work.promise;
      log.push('work ended');
    },
  });
  await clock.advance(0);
  const b = candidate('b');
  await clock.advance(5_000);
  const stopped = a.election.stop();
  await clock.advance(1_000);
  expect(leases.lease?.spec?.holderIdentity).toBe('a');
  work.resolve(undefined);
  await settle();
  await stopped;
  expect(leases.lease?.spec?.holderIdentity).toBe('');
  await clock.advance(2_000);
  expect(b.election.isLeader()).toBe(true);
  expect(log).toEqual(['told', 'work ended', 'b elected']);
});

test('a lost lease is stood for again, once the work of the lost term has ended', async () => {
  const { clock, leases, candidate, log } = setup();
  const work = Promise.withResolvers<undefined>();
  let terms = 0;
  const { election } = candidate('a', {
    onElected: () => {
      terms += 1;
      return terms === 1 ? work.promise : undefined;
    },
  });
  await clock.advance(1_000);
  leases.down.add('a');
  await clock.advance(20_000);
  leases.down.delete('a');
  await clock.advance(20_000);
  expect(log).toEqual(['a lost (at work)']);
  expect(election.isLeader()).toBe(false);
  work.resolve(undefined);
  await clock.advance(4_000);
  expect([terms, election.isLeader()]).toEqual([2, true]);
});

test('an API server that is back, and refuses at first, is asked again soon; one that goes on refusing, less and less', async () => {
  const { clock, leases, candidate } = setup();
  const { election } = candidate('a');
  await clock.advance(1_000);
  leases.down.add('a');
  await clock.advance(20_000);
  leases.down.delete('a');
  leases.refused.add('a');
  await clock.advance(1_000);
  leases.refused.delete('a');
  await clock.advance(250);
  expect(election.isLeader()).toBe(true);

  leases.refused.add('a');
  await clock.advance(60_000);
  expect(election.isLeader()).toBe(false);
  expect(leases.refusals).toBeLessThan(40);
  leases.refused.delete('a');
  await clock.advance(2_000);
  expect(election.isLeader()).toBe(true);
});

test('a lease that was deleted or taken by force ends the term or is made again', async () => {
  const { clock, leases, candidate, log } = setup();
  const { election } = candidate('a');
  await clock.advance(1_000);
  leases.lease = undefined;
  await clock.advance(4_000);
  expect([election.isLeader(), log]).toEqual([true, ['a elected']]);
  leases.lease = {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { name: 'lease', resourceVersion: '999' },
    spec: { holderIdentity: 'x' },
  };
  await clock.advance(2_000);
  expect([election.isLeader(), election.leader()]).toEqual([false, 'x']);
  expect(log.at(-1)).toMatch('a lost');
});

test('work and callbacks that throw do not end the election', async () => {
  const { clock, candidate } = setup();
  const { election } = candidate('a', {
    onElected: () => Promise.reject(new Error('work failed')),
    onNewLeader: () => {
      throw new Error('callback failed');
    },
  });
  await clock.advance(30_000);
  expect(election.isLeader()).toBe(true);
  await election.stop();
  expect(clock.timers).toBe(0);
});

test('durations that leave no time to notice a loss are refused', () => {
  const { candidate } = setup();
  expect(() => candidate('a', { leaseDurationMs: 10_000, renewDeadlineMs: 10_000 })).toThrow(RangeError);
  expect(() => candidate('a', { renewDeadlineMs: 2_000 })).toThrow(RangeError);
});
