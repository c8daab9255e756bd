import { readFile } from 'node:fs/promises';
import { get as httpGet } from 'node:http';
import { get as httpsGet } from 'node:https';
import { setTimeout as delay } from 'node:timers/promises';
import type { Context } from '../context.ts';
import { createCgroup } from '../measure/cgroup.ts';
import type { Limits } from '../measure/cgroup.ts';
import { startConfined } from '../measure/confined.ts';
import { cpuMs } from '../measure/process.ts';
import type { Start } from '../results.ts';
import type { Program } from '../servers/under-test.ts';

const deadlineMs = 120_000;
/** What the samples' Pods have where a CPU limit is set at all. */
const podLimits: Limits = { memoryMiB: 128, milliCPU: 100 };

/** Starts each server again and again, in turns, with all of a core and with a tenth of one. */
export async function starts({ installation, options, results, progress }: Context): Promise<void> {
  const { ours, peer, 'peer-shared': shared } = installation.programs;
  const contestants: [Start['target'], Program, Limits?][] = [
    ['ours', ours],
    ['peer', peer],
    ['peer-tree', shared],
    ['ours-100m', ours, podLimits],
    ['peer-100m', peer, podLimits],
  ];
  for (let repeat = 1; repeat <= options.repeats; repeat++) {
    for (const [target, program, limits] of contestants) {
      const title = `start of ${target}, ${repeat} of ${options.repeats}`;
      await progress.step(title, async (step) => {
        const start = await measureStart(program, installation.dir, limits);
        if (start) results.starts.push({ target, ...start });
        else step.update('left out: no control group can be made here (it takes root on Linux)');
      });
    }
  }
}

async function measureStart(
  program: Program,
  dir: string,
  limits?: Limits,
): Promise<Omit<Start, 'target'> | undefined> {
  const cgroup = limits && createCgroup(`kcp-mcp-bench-${process.pid}`, limits);
  if (limits && !cgroup) return undefined;
  const ca = await readFile(program.caFile);
  const began = performance.now();
  const started = startConfined(program, dir, cgroup);
  try {
    for (;;) {
      if (await isReady(program.readyURL, ca)) break;
      const end = started.ended();
      if (end !== undefined) throw new Error(`${program.command} ${end}`);
      if (performance.now() - began > deadlineMs)
        throw new Error(`${program.command} isn't ready after ${deadlineMs} ms`);
      await delay(limits ? 20 : 3);
    }
    return { ms: Math.round(performance.now() - began), cpuMs: cpuMs(started.pid) };
  } finally {
    await started.stop();
  }
}

function isReady(url: string, ca: Buffer): Promise<boolean> {
  return new Promise((resolve) => {
    const sent = (url.startsWith('https:') ? httpsGet : httpGet)(url, { ca, agent: false }, (answer) => {
      answer.resume();
      resolve(answer.statusCode === 200);
    });
    sent.on('error', () => {
      resolve(false);
    });
  });
}
