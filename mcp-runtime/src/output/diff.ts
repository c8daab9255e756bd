import { createTwoFilesPatch } from 'diff';
import { isObject } from '../kcp/json.ts';
import { presentable, REDACTED, secretValues } from './redact.ts';
import { toYaml } from './yaml.ts';

/** More lines than that to change are no diff to read, and cost the square of their number to find. */
const MAX_EDITS = 2_000;

/** What the API server writes at every change. */
const BOOKKEEPING = new Set(['resourceVersion', 'generation', 'uid', 'creationTimestamp']);

/**
 * What changes between two states of an object, as a unified diff of their YAML. Values of Secrets are in neither; one that
 * differs is marked as changed.
 *
 * @returns an empty text where nothing changes, undefined where too much does.
 */
export function diffObjects(before: unknown, after: unknown, kind: string): string | undefined {
  // An annotation may repeat a value that the Secret has no more, or not yet.
  const secrets = [before, after].flatMap((state) => secretValues(state, kind));
  const shown = { before: comparable(before, kind, secrets), after: comparable(after, kind, secrets) };
  markChanges(shown.after, before, after);
  const texts = { before: `${toYaml(shown.before)}\n`, after: `${toYaml(shown.after)}\n` };
  if (texts.before === texts.after) return '';
  const options = {
    context: 3,
    maxEditLength: MAX_EDITS,
    headerOptions: { includeIndex: false, includeUnderline: false, includeFileHeaders: true },
  };
  return createTwoFilesPatch('before', 'after', texts.before, texts.after, undefined, undefined, options)?.trimEnd();
}

/** The object as it may be shown, without what differs anyway. */
function comparable(object: unknown, kind: string, secrets: readonly string[]): unknown {
  const shown = presentable(object, kind, secrets);
  if (!isObject(shown) || !isObject(shown['metadata'])) return shown;
  const metadata = Object.entries(shown['metadata']).filter(([key]) => !BOOKKEEPING.has(key));
  return { ...shown, metadata: Object.fromEntries(metadata) };
}

/** Where a redacted value of `shown` differs between the objects that it was made of, says that. */
function markChanges(shown: unknown, before: unknown, after: unknown): void {
  if (!isObject(shown) && !Array.isArray(shown)) return;
  const fields = shown as Record<string, unknown>;
  for (const key of Object.keys(fields)) {
    const [old, current] = [fieldOf(before, key), fieldOf(after, key)];
    if (fields[key] !== REDACTED) markChanges(fields[key], old, current);
    else if (old !== current) fields[key] = old === undefined ? `${REDACTED} (new)` : `${REDACTED} (changed)`;
  }
}

function fieldOf(value: unknown, key: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
  return (value as Record<string, unknown>)[key];
}
