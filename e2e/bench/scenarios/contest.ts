import type { Context } from '../context.ts';
import type { PlannedRequest } from '../load/plan.ts';
import type { ServerUnderTest } from '../servers/under-test.ts';
import type { Scenario, Target } from '../results.ts';

/** Who gets the load, and which. */
export interface Contestant {
  target: Target;
  origin: string;
  caFile: string;
  requests: PlannedRequest[];
  /** The server that the processor time is read of. */
  server?: ServerUnderTest;
}

export interface Contest {
  scenario: Scenario;
  connections: number;
  contestants: Contestant[];
}

/** Before the first round everybody is driven for so long: compilers and pools settle. Not counted. */
const warmUpMs = 3_000;
/** Before each later turn: connections are made. Not counted. */
const turnWarmUpMs = 250;

/**
 * Puts the load on each contestant in turn, as many rounds as the options say.
 *
 * @throws when an answer is no success: a figure of failures compares nothing
 */
export async function runContest(context: Context, { scenario, connections, contestants }: Contest): Promise<void> {
  const { options, installation, generator, results, progress } = context;
  const { place, kcp } = installation;
  for (let round = 1; round <= options.rounds; round++) {
    for (const { target, origin, caFile, requests, server } of contestants) {
      const title = `${place}: ${scenario} on ${target}, round ${round} of ${options.rounds}`;
      const result = await progress.step(title, () =>
        generator.run({
          origin,
          caFile,
          connections,
          requests,
          until: { ms: options.turnMs },
          warmUpMs: round === 1 && !options.quick ? warmUpMs : turnWarmUpMs,
          ...(server && { pid: server.process.pid }),
          ...(kcp.countsURL !== undefined && { countsURL: kcp.countsURL }),
        }),
      );
      if (result.failures > 0) {
        throw new Error(`${title}: ${result.failures} of ${result.requests} failed: ${result.failure ?? ''}`);
      }
      results.runs.push({ place, scenario, target, connections, round, ...result });
    }
  }
}
