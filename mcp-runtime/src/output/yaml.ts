import { stringify } from 'yaml';

/**
 * The value as a YAML document: no anchors, no folded lines, keys in the order they came. Strings that YAML 1.1 takes for
 * something else (`yes`, timestamps) are quoted: kubectl reads YAML that way.
 */
export function toYaml(value: unknown): string {
  return stringify(value, { aliasDuplicateObjects: false, lineWidth: 0, compat: 'yaml-1.1' }).trimEnd();
}
