/** What is said of an object of ours that somebody else keeps changing (docs/adr/0023). */
import { keyOf, type Contest, type ObjectKey, type Resource, type Taker } from '../kube/index.ts';
import { FIELD_MANAGER } from '../resources/names.ts';
import { waiting, type Problem } from './errors.ts';
import { oneLine } from './text.ts';

/** So many fields of one manager are named. */
const MAX_FIELDS = 4;
const MAX_TAKERS = 3;

/** Nothing in it changes as long as the contest is about the same fields. */
export function contested({ takers, deleted }: Contest, { kind, plural, group }: Resource, key: ObjectKey): Problem {
  const what = `${kind} ${keyOf(key)}`;
  const pace = 'it is put right less and less often, at last every 5 minutes';
  if (deleted) {
    const cure = "see in the API server's audit log who does, and stop that, or delete this KcpMcpServer";
    return waiting('Contested', `${what} is deleted again and again; ${pace}: ${cure}`);
  }
  const others = takers.slice(0, MAX_TAKERS).map(describe).join('; ');
  const object = `${plural}${group === '' ? '' : `.${group}`}/${key.name}`;
  const where = key.namespace === undefined ? '' : `-n ${key.namespace} `;
  const show = `kubectl ${where}get ${object} -o yaml --show-managed-fields`;
  return waiting('Contested', `${what}: ${others}; ${pace}: ${cureFor(takers)}. See who writes what: ${show}`);
}

function describe({ manager, fields }: Taker): string {
  const listed = fields.slice(0, MAX_FIELDS).map((field) => oneLine(field, 128));
  const more = fields.length > MAX_FIELDS ? ` and ${fields.length - MAX_FIELDS} more` : '';
  const what = listed.length > 0 ? `${listed.join(', ')}${more}` : 'all that is set here';
  return `${manager === undefined ? 'somebody' : `field manager "${oneLine(manager, 128)}"`} keeps changing ${what}`;
}

function cureFor(takers: readonly Taker[]): string {
  if (takers.some(({ manager }) => manager === FIELD_MANAGER)) {
    return 'another installation of this operator serves this namespace, too: remove one, or divide the namespaces (--namespace)';
  }
  if (takers.some(({ fields }) => fields.includes('spec.replicas'))) {
    return 'leave the number of Pods to one of the two: take out spec.deployment.replicas, or stop that writer';
  }
  return 'stop that writer or have it leave these fields alone, or say in the spec of the KcpMcpServer what is wanted';
}
