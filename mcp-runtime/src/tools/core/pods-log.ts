import * as z from 'zod';
import { KcpStatusError, KcpTooLargeError } from '../../kcp/errors.ts';
import { checkName } from '../../kcp/paths.ts';
import { MAX_TEXT_BYTES, NOTE_BYTES } from '../../output/limit.ts';
import { count, toolResult } from '../../output/text.ts';
import { optionalName } from '../arguments.ts';
import { ToolError, defineTool } from '../tool.ts';
import type { Call } from '../tool.ts';
import { chooseContainer, others } from './containers.ts';
import type { Container } from './containers.ts';
import { endOfLog } from './log-text.ts';
import { POD, getPod, podArguments, podName, podOf, podRequest } from './pods.ts';
import type { PodRef } from './pods.ts';

const DEFAULT_TAIL = 100;
/** A line has a byte at least, so more lines than that can't be shown. */
const MAX_TAIL = MAX_TEXT_BYTES;

export const podsLog = defineTool({
  name: 'pods_log',
  toolset: 'core',
  title: 'Pods: Log',
  description:
    'Get the end of the log of a container in a Pod. Where no container is named: the only one, the one that the Pod names as its ' +
    'default, or the first; the answer says which it is and which others there are.',
  annotations: { readOnlyHint: true, destructiveHint: false, openWorldHint: true },
  input: z.strictObject({
    ...podArguments,
    container: optionalName('Name of the container; init and ephemeral containers can be named, too'),
    tail: z
      .int()
      .min(0)
      .optional()
      .describe(`How many lines, from the end of the log (default and 0: ${DEFAULT_TAIL})`),
    previous: z.boolean().optional().describe('The log of the run before the last restart of the container'),
    sinceSeconds: z.int().min(1).optional().describe('Only what was logged in the last so many seconds'),
    timestamps: z.boolean().optional().describe('Put the time in front of each line'),
  }),
  touches: [POD],
  async handle({ container: wanted, tail, previous = false, sinceSeconds, timestamps, ...args }, call) {
    const pod = podOf(args, call);
    if (wanted !== undefined) checkName(wanted, 'container');
    const { container, alsoThere } = await findContainer(pod, wanted, call);
    const tailLines = Math.min(tail === undefined || tail === 0 ? DEFAULT_TAIL : tail, MAX_TAIL);
    const query = {
      container: container.name,
      tailLines,
      previous: previous || undefined,
      sinceSeconds,
      timestamps: timestamps === true || undefined,
    };
    const end = await call.api
      .text({ ...podRequest(pod, 'get', 'log'), query, keepBytes: MAX_TEXT_BYTES - NOTE_BYTES })
      .catch((error: unknown) => {
        throw explained(error, pod, container);
      });
    const which = `${previous ? 'earlier run of ' : ''}container ${container.name} of ${podName(pod)}`;
    if (end.text === '') {
      const when = sinceSeconds === undefined ? '' : ` in the last ${sinceSeconds} s`;
      const state = container.running ? '' : ` (${container.state})`;
      return toolResult(`Nothing was logged by the ${which}${when}${state}${alsoThere}.`);
    }
    const header = `[${which}: the last ${count(tailLines, 'line')} at most${alsoThere}]`;
    return toolResult(`${header}\n${endOfLog(end, tailLines)}`);
  },
});

/** Who may read logs but not the Pod itself can still name the container. */
async function findContainer(pod: PodRef, wanted: string | undefined, call: Call) {
  try {
    const object = await getPod(pod, call);
    const container = chooseContainer(object, wanted);
    return { container, alsoThere: others(object, container) };
  } catch (error) {
    const forbidden = error instanceof KcpStatusError && error.status === 403;
    if (!forbidden || wanted === undefined) throw error;
    const unknown = { role: 'container', running: false, state: 'not known', restarts: 0 } as const;
    return { container: { ...unknown, name: wanted }, alsoThere: '' };
  }
}

/** What kubelet says of a log that isn't there, in words that help. */
function explained(error: unknown, pod: PodRef, { name, state, restarts }: Container): unknown {
  const which = `Container ${name} of ${podName(pod)}`;
  if (error instanceof KcpTooLargeError) {
    return new ToolError(
      `The log of ${which} is larger than is read at once: ask for fewer lines (tail).`,
      'too_large',
    );
  }
  if (!(error instanceof KcpStatusError) || error.status !== 400) return error;
  if (/previous terminated container/.test(error.message)) {
    const why = restarts === 0 ? 'it was never restarted' : 'its log is gone';
    return new ToolError(`${which} has no log of an earlier run: ${why}. Leave out previous.`, 'not_found');
  }
  if (/waiting to start|not available|does not have a host assigned/.test(error.message)) {
    return new ToolError(
      `${which} has no log yet (${state}). events_list with fieldSelector involvedObject.name=${pod.name} may say why.`,
      'not_found',
    );
  }
  return error;
}
