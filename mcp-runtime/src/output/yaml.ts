import { stringify } from 'yaml';

/** The value as a YAML document: no anchors, no folded lines, keys in the order they came. */
export function toYaml(value: unknown): string {
  return stringify(value, { aliasDuplicateObjects: false, lineWidth: 0, version: '1.2' }).trimEnd();
}
