/**
 * Two operators as processes, at work: the leader is stopped until the other has taken over, goes on, and then the other is
 * killed. What they did is read from the audit log.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { waitFor } from '../../../../e2e/lib/wait.ts';
import { NAME, newCase, type Case } from '../../reconcile/testing/case.ts';
import { OPERATOR_NAMESPACE, type Environment } from '../../reconcile/testing/environment.ts';
import { holderOf, isRenewal, isWork, operatorRequests, type Audited } from './audit.ts';
import { secondsSince } from './figures.ts';

export interface Story {
  /** Identities of those who wrote, one turn after the other; and who was the first leader, and the second. */
  turns: string[];
  first: string;
  second: string;
  /** Work that reached the API server later than the renew deadline after its sender's last renewal had. */
  late: string[];
  /** Work that reached it while another's was under way. */
  overlapping: string[];
  /** Seconds from the leader's stop to the second's first write, and from the kill of the second to the first's. */
  stopped: number;
  killed: number;
}

interface Replica {
  identity: string;
  child: ChildProcess;
  log: () => string;
}

/**
 * @param commands arguments of node for each of the two
 * @param renewDeadlineMs theirs
 * @param deadlineMs how long a takeover may take
 */
export async function twoOperators(
  env: Environment,
  commands: readonly string[][],
  renewDeadlineMs: number,
  deadlineMs: number,
): Promise<Story> {
  const soon = { deadlineMs, intervalMs: 50 };
  const replicas: Replica[] = [];
  let busy = true;
  let editing: Promise<void> | undefined;
  const work = async (): Promise<Audited[]> => (await operatorRequests(env.plane.auditLog)).filter(isWork);
  try {
    for (const command of commands) replicas.push(await startReplica(command));
    const cases = [await newCase(env), await newCase(env), await newCase(env)];
    for (const it of cases) await it.becomeReady();
    editing = edit(cases, () => busy);

    const holder = await leaseHolder(env);
    const first = replicas.find(({ identity }) => identity === holder);
    const second = replicas.find(({ identity }) => identity !== holder);
    if (!first || !second) throw new Error(`${holder} is none of the two`);
    const begins = async ({ identity }: Replica, what: string): Promise<number> => {
      const from = performance.now();
      const wall = new Date().toISOString();
      const since = (each: Audited) => holderOf(each) === identity && each.requestReceivedTimestamp > wall;
      await waitFor(what, async () => (await work()).some(since), soon);
      return secondsSince(from);
    };

    first.child.kill('SIGSTOP');
    const stopped = await begins(second, 'the second to work');
    first.child.kill('SIGCONT');
    await waitFor('the first to notice', () => first.log().includes('the lease was lost'), soon);
    second.child.kill('SIGKILL');
    const killed = await begins(first, 'the first to work again');
    busy = false;
    await editing;

    const requests = await operatorRequests(env.plane.auditLog);
    const written = requests.filter(isWork).toSorted(byArrival);
    return {
      first: first.identity,
      second: second.identity,
      turns: written.map(holderOf).filter((each, i, all) => each !== all[i - 1]),
      late: lateWork(requests, renewDeadlineMs).map(inShort),
      overlapping: overlaps(written).map(inShort),
      stopped,
      killed,
    };
  } finally {
    busy = false;
    await editing?.catch(() => undefined);
    for (const { child } of replicas) child.kill('SIGKILL');
  }
}

async function startReplica(command: string[]): Promise<Replica> {
  const child = spawn(process.execPath, command, { stdio: ['ignore', 'ignore', 'pipe'] });
  let text = '';
  child.stderr.on('data', (chunk: Buffer) => (text += String(chunk)));
  try {
    const line = await waitFor(
      'an operator to start',
      () => text.split('\n').find((each) => each.includes('"message":"started"')),
      { deadlineMs: 20_000, intervalMs: 20 },
    );
    return { child, identity: (JSON.parse(line) as { identity: string }).identity, log: () => text };
  } catch (error) {
    child.kill('SIGKILL');
    throw new Error(`${String(error)}: ${text}`, { cause: error });
  }
}

/** Always something to do: a Service that is gone, a spec that is another. */
async function edit(cases: readonly Case[], goOn: () => boolean): Promise<void> {
  for (let round = 0; goOn(); round += 1) {
    for (const it of cases) {
      await it.remove('Service', `${NAME}-mcp`).catch(() => undefined);
      await it.patch('KcpMcpServer', NAME, { spec: { tools: { readOnly: round % 2 === 0 } } });
    }
    await delay(20);
  }
}

async function leaseHolder(env: Environment): Promise<string> {
  const path = `/apis/coordination.k8s.io/v1/namespaces/${OPERATOR_NAMESPACE}/leases/kcp-mcp-operator`;
  return ((await env.api.request(path)) as { spec: { holderIdentity: string } }).spec.holderIdentity;
}

const byArrival = (a: Audited, b: Audited): number =>
  a.requestReceivedTimestamp < b.requestReceivedTimestamp ? -1 : 1;

const inShort = (each: Audited): string =>
  `${each.requestReceivedTimestamp} ${holderOf(each)} ${each.verb} ${each.requestURI}`;

function overlaps(written: readonly Audited[]): Audited[] {
  return written.filter((each, i) =>
    written
      .slice(0, i)
      .some((other) => holderOf(other) !== holderOf(each) && other.stageTimestamp > each.requestReceivedTimestamp),
  );
}

/** A term lasts from when the renewal was *sent*, which was before it arrived: this is generous by that much. */
function lateWork(requests: readonly Audited[], renewDeadlineMs: number): Audited[] {
  const renewedAt = new Map<string, number>();
  return requests.toSorted(byArrival).filter((each) => {
    const at = Date.parse(each.requestReceivedTimestamp);
    if (isRenewal(each)) renewedAt.set(holderOf(each), at);
    return isWork(each) && at > (renewedAt.get(holderOf(each)) ?? -Infinity) + renewDeadlineMs;
  });
}
