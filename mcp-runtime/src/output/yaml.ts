import { stringify } from 'yaml';
import { fitting } from './fitting.ts';
import { MAX_TEXT_BYTES } from './limit.ts';

/**
 * The value as a YAML document: no invisible characters, no anchors, no folded lines, keys in the order they came. Strings that
 * YAML 1.1 takes for something else (`yes`, timestamps) are quoted: kubectl reads YAML that way.
 *
 * Not much more is written than an answer can show (`MAX_TEXT_BYTES`; `toolResult` cuts there and says so): the document that
 * `yaml` makes on the way takes hundreds of bytes for each value.
 */
export function toYaml(value: unknown): string {
  const options = { aliasDuplicateObjects: false, lineWidth: 0, compat: 'yaml-1.1' } as const;
  return stringify(fitting(value, MAX_TEXT_BYTES + 1), options).trimEnd();
}
