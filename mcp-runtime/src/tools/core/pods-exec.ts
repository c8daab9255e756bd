import { stripVTControlCharacters } from 'node:util';
import * as z from 'zod';
import { MAX_READ_BYTES } from '../../kcp/exec.ts';
import type { CommandOutput } from '../../kcp/exec.ts';
import { stringAt } from '../../kcp/json.ts';
import { checkName } from '../../kcp/paths.ts';
import { MAX_TEXT_BYTES, NOTE_BYTES } from '../../output/limit.ts';
import { shorten, toolResult } from '../../output/text.ts';
import { optionalName } from '../arguments.ts';
import { ToolError, defineTool } from '../tool.ts';
import { chooseContainer, others } from './containers.ts';
import type { Container } from './containers.ts';
import { POD, getPod, podArguments, podName, podOf, podRequest } from './pods.ts';
import type { PodRef } from './pods.ts';

/** It is sent as part of a URL; servers take those up to 1 MiB, proxies on the way far less. */
const MAX_COMMAND_BYTES = 32 * 1024;
/** Of each of the two streams. */
const KEEP_BYTES = (MAX_TEXT_BYTES - NOTE_BYTES) / 2;
/** Of the time that a call has, left for all but the command itself. */
const MARGIN_MS = 3_000;

export const podsExec = defineTool({
  name: 'pods_exec',
  toolset: 'core',
  title: 'Pods: Exec',
  description:
    'Run a command in a container of a running Pod and get its exit code and what it wrote to stdout and stderr. There is no shell ' +
    'but the one that the command names, and nothing on stdin. A command that takes too long is left, with what it wrote until then.',
  annotations: { readOnlyHint: false, destructiveHint: true, openWorldHint: true },
  input: z.strictObject({
    ...podArguments,
    command: z
      .array(
        z
          .string()
          .refine((text) => !text.includes('\0'), "a program can't get a NUL character as an argument")
          .refine((text) => text.isWellFormed(), 'holds half of a surrogate pair'),
      )
      .min(1)
      .refine((command) => command[0] !== '', 'the first item names the program')
      .refine(
        (command) => Buffer.byteLength(command.join('')) <= MAX_COMMAND_BYTES,
        `is longer than ${MAX_COMMAND_BYTES / 1024} KiB`,
      )
      .describe(
        'Program and arguments, one item each: ["ls", "-l", "/tmp"]. For pipes and the like: ["sh", "-c", "ps | grep x"]',
      ),
    container: optionalName(
      'Name of the container (default: the only one, the one that the Pod names as its default, or the first)',
    ),
  }),
  touches: [POD],
  async handle({ container: wanted, command, ...args }, call) {
    const pod = podOf(args, call);
    if (wanted !== undefined) checkName(wanted, 'container');
    const object = await getPod(pod, call);
    refuseCompleted(object, pod);
    const container = chooseContainer(object, wanted);
    if (!container.running) {
      throw new ToolError(
        `Container ${container.name} of ${podName(pod)} isn't running (${container.state})${others(object, container)}.`,
        'invalid',
      );
    }
    const timeoutMs = call.config.toolset_configs.kcp.request_timeout;
    const stopAfterMs = Math.max(timeoutMs - MARGIN_MS, timeoutMs / 2);
    const output = await call.api.exec({
      ...podRequest(pod, 'create', 'exec'),
      query: { container: container.name, command, stdout: true, stderr: true },
      keepBytes: KEEP_BYTES,
      stopAfterMs,
    });
    const ended = howItEnded(output, stopAfterMs);
    if (ended === undefined) throw notRun(output, pod, container, command[0] ?? '');
    const header = `[container ${container.name} of ${podName(pod)}: ${ended}${others(object, container)}]`;
    return toolResult([header, ...streams(output)].join('\n'));
  },
});

function refuseCompleted(object: unknown, pod: PodRef): void {
  const phase = stringAt(object, 'status', 'phase');
  if (phase !== 'Succeeded' && phase !== 'Failed') return;
  throw new ToolError(
    `${podName(pod)} is completed (phase ${phase}): nothing can be run in it any more. pods_log shows what it wrote.`,
    'invalid',
  );
}

/** Undefined where it didn't begin, or nobody says. */
function howItEnded({ exitCode, stopped }: CommandOutput, stopAfterMs: number): string | undefined {
  if (exitCode !== undefined) return `exit code ${exitCode}`;
  if (stopped === undefined) return undefined;
  const why =
    stopped === 'late'
      ? `no end within ${stopAfterMs / 1000} s`
      : `it wrote more than ${MAX_READ_BYTES / 1024 / 1024} MiB`;
  return `${why}, so it was left; it may still be running`;
}

function streams({ stdout, stderr, cut }: CommandOutput): string[] {
  const parts = [
    ['stdout', stdout],
    ['stderr', stderr],
  ].filter(([, text]) => text !== '');
  if (parts.length === 0) return ['It wrote nothing.'];
  const note = cut ? [`[cut: of stdout and stderr only the first ${KEEP_BYTES / 1024} KiB each are shown]`] : [];
  return [...parts.flatMap(([name, text = '']) => [`${name}:`, stripVTControlCharacters(text).trimEnd()]), ...note];
}

function notRun({ failure = '' }: CommandOutput, pod: PodRef, { name }: Container, program: string): ToolError {
  const missing = /executable file not found|no such file or directory/.test(failure);
  const hint = missing
    ? ` The image doesn't have ${JSON.stringify(shorten(program, 100))}: many images have no shell and no tools.`
    : '';
  return new ToolError(
    `The command was not run to its end in container ${name} of ${podName(pod)}: ${shorten(failure, 500)}.${hint}`,
    'failed',
  );
}
