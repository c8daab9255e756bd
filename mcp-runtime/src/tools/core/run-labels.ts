import { stringAt } from '../../kcp/json.ts';

/** What marks objects that pods_run made; kubernetes-mcp-server puts its own name there. */
const MANAGED_BY = 'kcp-mcp';

const NAME = 'app.kubernetes.io/name';
const MANAGER = 'app.kubernetes.io/managed-by';
const PART_OF = 'app.kubernetes.io/part-of';

/** Labels of a Pod that pods_run makes under this name, and of its Service. */
export function labelsOfRun(name: string): Record<string, string> {
  return {
    [NAME]: name,
    'app.kubernetes.io/component': name,
    [MANAGER]: MANAGED_BY,
    [PART_OF]: `${MANAGED_BY}-run-sandbox`,
  };
}

/** Selects what pods_run made together with this Pod; undefined for a Pod that it didn't make. */
export function selectorOfRun(pod: unknown): string | undefined {
  const label = (key: string) => stringAt(pod, 'metadata', 'labels', key);
  const name = label(NAME);
  if (name === undefined || label(MANAGER) !== MANAGED_BY || label(PART_OF) !== `${MANAGED_BY}-run-sandbox`) {
    return undefined;
  }
  return [NAME, MANAGER, PART_OF].map((key) => `${key}=${label(key) ?? ''}`).join(',');
}
