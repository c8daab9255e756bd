import type { Writable } from 'node:stream';

/** One running step of something that takes a while. */
export interface Step {
  /** Says what is going on inside the step: `812 of about 1900 packages`. */
  update(detail: string): void;
}

/** Tells a person what is being done and how long it takes. */
export interface Progress {
  /** Runs `work` as a named step and reports how it ended; passes its result or its error on. */
  step<T>(title: string, work: (step: Step) => Promise<T>): Promise<T>;
}

/** Reports nothing. */
export const silent: Progress = {
  step: (_title, work) => work({ update: () => undefined }),
};

export interface ProgressOptions {
  /** Where lines go; standard error unless told, so that a command's own output stays clean. */
  out?: Writable & { isTTY?: boolean; columns?: number };
  /** Milliseconds between signs of life from a step on something that is not a terminal; 20 s unless told. */
  heartbeatMs?: number;
}

interface Running {
  title: string;
  started: number;
  detail: string;
}

/**
 * Progress for people: one line per finished step with its time. A terminal also gets a line that moves while steps
 * run; anything else (a CI log) gets a line when a step has run for a while, and again every `heartbeatMs`.
 */
export function createProgress({ out = process.stderr, heartbeatMs = 20_000 }: ProgressOptions = {}): Progress {
  const terminal = out.isTTY === true;
  const running = new Set<Running>();
  const clear = terminal ? '\r\x1b[K' : '';
  const line = (mark: string, step: Running, detail: string) =>
    `${mark} ${step.title}${detail ? `: ${detail}` : ''} (${seconds(Date.now() - step.started)})`;

  function redraw(): void {
    if (!terminal) return;
    // Of several steps at once the oldest is the one being waited for.
    const [oldest] = running;
    const text = oldest ? line('…', oldest, oldest.detail) : '';
    out.write(clear + text.slice(0, (out.columns ?? 80) - 1));
  }

  return {
    async step(title, work) {
      const step: Running = { title, started: Date.now(), detail: '' };
      running.add(step);
      redraw();
      const timer = setInterval(
        () => {
          if (terminal) redraw();
          else out.write(`${line('…', step, step.detail)}\n`);
        },
        terminal ? 250 : heartbeatMs,
      );
      timer.unref();
      const finish = (mark: string, detail: string) => {
        clearInterval(timer);
        running.delete(step);
        out.write(`${clear}${line(mark, step, detail)}\n`);
        redraw();
      };
      try {
        const result = await work({
          update(detail) {
            step.detail = detail;
            redraw();
          },
        });
        finish('✓', '');
        return result;
      } catch (error) {
        finish('✗', step.detail);
        throw error;
      }
    },
  };
}

/** `850 ms`, `12.3 s`, `4 min 05 s`. */
export function seconds(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  const whole = Math.round(ms / 1000);
  return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, '0')} s`;
}
