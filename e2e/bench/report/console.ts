import type { Results } from '../results.ts';
import { standing } from './contest.ts';
import { ms, number, textTable } from './format.ts';
import { goals } from './goals.ts';
import { measurements } from './measurements.ts';
import { scenarios } from './names.ts';

/** What a person at a terminal wants to see at the end of a run. */
export function consoleTable(results: Results): string {
  const contests = (['synthetic', 'real'] as const).flatMap((place) =>
    scenarios.flatMap((scenario) =>
      (['ours', 'ours-2026-07-28', 'peer', 'raw'] as const).flatMap((target) => {
        const own = results.runs.filter((run) => run.place === place);
        const found = standing(own, scenario, target);
        if (!found) return [];
        const { perSecond, p50, p99, cpuPerRequest, kcp } = found;
        const cpu = cpuPerRequest === undefined ? '' : ms(cpuPerRequest);
        const asked = kcp ? `${number(kcp.requests)} / ${number(kcp.handshakes)}` : '';
        return [[`${place} ${scenario} ${target}`, number(perSecond), ms(p50), ms(p99), cpu, asked]];
      }),
    ),
  );
  const head = ['', 'per second', 'p50', 'p99', 'CPU', 'kcp requests / handshakes'];
  const verdicts = goals(measurements([results])).map(({ what, where, goal, measured, met }) => [
    `${met === undefined ? '–' : met ? '✓' : '✗'} ${what}${where === '' ? '' : ` (${where})`}`,
    measured,
    goal,
  ]);
  const tables = [textTable(['', 'measured', 'goal'], verdicts)];
  if (contests.length > 0) tables.unshift(textTable(head, contests));
  return tables.join('\n\n');
}
