/** Who has taken fields that we applied, told by `metadata.managedFields` (KEP-555). */
import { isHollow, isMap, isNamed, ownable, withoutKeys, type Fields } from './fields.ts';
import type { KubeObject, ManagedFieldsEntry } from './types.ts';

/** One field manager, and what it took. Both are others' texts. */
export interface Taker {
  /** Its name, with the subresource that it wrote to where there is one; undefined: nobody knows. */
  manager: string | undefined;
  /** Paths as a person writes them, for instance `spec.ports[port=443,protocol=TCP].targetPort`. */
  fields: string[];
}

/** A step into an object: a field of a map, or an element of a list. */
type Step = { name: string } | { element: unknown; index: number };

/**
 * The fields of `applied` that `owned`, our share of `live`, doesn't hold any more, by who has them now. A field that was
 * removed has nobody; it is put down to whoever wrote last.
 *
 * @param owned FieldsV1 of our entry; undefined: all of it is gone
 */
export function takersOf(applied: KubeObject, live: KubeObject, owned: Fields | undefined): Taker[] {
  const others = (live.metadata.managedFields ?? []).filter(({ fieldsV1 }) => fieldsV1 && fieldsV1 !== owned);
  // Status is written all the time, and by those who write nothing else.
  const last = others
    .filter(({ subresource }) => subresource !== 'status')
    .sort((a, b) => ((a.time ?? '') < (b.time ?? '') ? 1 : -1))[0];
  const takers = new Map<string | undefined, Set<string>>();
  for (const path of lostFields(ownable(applied), owned ?? {})) {
    const holders = others.filter(({ fieldsV1 }) => holds(fieldsV1 ?? {}, path));
    for (const holder of holders.length > 0 ? holders : [last]) {
      const manager = holder && nameOf(holder);
      takers.set(manager, (takers.get(manager) ?? new Set()).add(written(path)));
    }
  }
  return [...takers].map(([manager, fields]) => ({ manager, fields: [...fields] }));
}

const nameOf = ({ manager = 'unknown', subresource = '' }: ManagedFieldsEntry): string =>
  subresource === '' ? manager : `${manager} (${subresource})`;

/** Paths in `applied` that are missing in `owned`: of what is missing as a whole, only its root. */
function lostFields(applied: unknown, owned: Fields): Step[][] {
  const paths = Object.keys(owned).filter((path) => path !== '.');
  return stepsOf(applied).flatMap(([step, value]): Step[][] => {
    const path = paths.find((candidate) => leadsTo(candidate, step));
    if (path === undefined) return isHollow(value) ? [] : [[step]];
    const below = owned[path] as Fields;
    if (Object.keys(below).length === 0) return [];
    return lostFields(withoutKeys(path, value), below).map((rest) => [step, ...rest]);
  });
}

function stepsOf(value: unknown): [Step, unknown][] {
  if (Array.isArray(value)) return value.map((element, index) => [{ element: element as unknown, index }, element]);
  return isMap(value) ? Object.entries(value).map(([name, member]) => [{ name }, member]) : [];
}

const leadsTo = (path: string, step: Step): boolean =>
  'name' in step ? path === `f:${step.name}` : isNamed(path, step.element, step.index);

/** Whether a manager's share holds the field at the end of this path, or something in it. */
function holds(owned: Fields, [step, ...rest]: Step[]): boolean {
  if (step === undefined) return true;
  const path = Object.keys(owned).find((candidate) => leadsTo(candidate, step));
  if (path === undefined) return false;
  const below = owned[path] as Fields;
  return Object.keys(below).length === 0 || holds(below, rest);
}

function written(path: readonly Step[]): string {
  return path.map((step, at) => ('name' in step ? `${at === 0 ? '' : '.'}${step.name}` : elementText(step))).join('');
}

/** By the keys that lists in Kubernetes merge by, if it has one. */
function elementText({ element, index }: { element: unknown; index: number }): string {
  if (!isMap(element)) return `[${isHollow(element) ? index : JSON.stringify(element)}]`;
  const key = ['name', 'type', 'port', 'containerPort', 'mountPath', 'ip', 'uid'].find((name) => name in element);
  return `[${key === undefined ? index : `${key}=${String(element[key])}`}]`;
}
