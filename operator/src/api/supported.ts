// What this version acts on. The schema is the whole resource; a field whose behaviour comes later is refused with a
// condition (Stalled, reason NotSupported) and never silently ignored.
import type { KcpMcpServerSpec } from './kcp-mcp-server.ts';

/** A field that is set to something this version doesn't do. */
export interface UnsupportedField {
  /** Path from the root of the object, for instance `spec.auth.mode`. */
  field: string;
  /** The value where it is one word, else `set`. */
  value: string;
  /** What to do instead. */
  hint: string;
}

/** Every field of `spec` that this version doesn't act on yet, in the order of the schema. Empty: all is supported. */
export function unsupportedFields(spec: KcpMcpServerSpec): UnsupportedField[] {
  const { inventory } = spec;
  const found: [boolean, string, string, string][] = [
    [inventory.mode !== 'Caller', 'spec.inventory.mode', inventory.mode, 'use Caller'],
  ];
  return found.filter(([set]) => set).map(([, field, value, hint]) => ({ field, value, hint }));
}
