/** Which workspaces a synthetic kcp has. */
export interface SyntheticTree {
  /** Full paths, parents before their children, without `root`. */
  workspaces: readonly string[];
  /** Those that nobody may enter. */
  closed: readonly string[];
}

/** Organisations of equal size below root: `root:org-01`, `root:org-01:team-01`, … Everybody may enter all of them. */
export function orgsAndTeams(orgs: number, teams: number): SyntheticTree {
  const numbered = (name: string, count: number): string[] =>
    Array.from({ length: count }, (_, index) => `${name}-${String(index + 1).padStart(2, '0')}`);
  const workspaces = numbered('root:org', orgs).flatMap((org) => [org, ...numbered(`${org}:team`, teams)]);
  return { workspaces, closed: [] };
}
