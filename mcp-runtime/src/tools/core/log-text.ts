import { stripVTControlCharacters } from 'node:util';
import type { TextEnd } from '../../kcp/response.ts';

/**
 * The end of a log, from a whole line on and without terminal colours; says so where that isn't what was asked for.
 * @param lines how many of them at most; undefined for all.
 */
export function endOfLog({ text, cut }: TextEnd, lines?: number): string {
  const plain = stripVTControlCharacters(text).replace(/\n$/, '');
  const all = plain.split('\n');
  // Of a first line that the cut goes through nobody knows what it says, unless it is all there is.
  const whole = cut && all.length > 1 ? all.slice(1) : all;
  if (lines !== undefined && whole.length >= lines) return whole.slice(-lines).join('\n');
  const shown = whole.join('\n');
  return cut ? `[cut: only the last ${Math.floor(Buffer.byteLength(shown) / 1024)} KiB are shown]\n${shown}` : shown;
}
