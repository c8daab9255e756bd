interface Labelled {
  metadata: { labels?: Record<string, string> };
}

/** A predicate for an equality-based label selector (`a=b,c!=d,e,!f`); set-based ones are not understood here. */
export function labelMatcher(selector: string): (object: Labelled) => boolean {
  const requirements = selector.split(',').filter(Boolean).map(requirement);
  return ({ metadata }) => requirements.every((holds) => holds(metadata.labels ?? {}));
}

function requirement(term: string): (labels: Record<string, string>) => boolean {
  const [, key = '', operator, value] = /^([^=!]+?)(==|=|!=)(.*)$/.exec(term) ?? [];
  if (operator === '!=') return (labels) => labels[key] !== value;
  if (operator !== undefined) return (labels) => labels[key] === value;
  return term.startsWith('!') ? (labels) => !(term.slice(1) in labels) : (labels) => term in labels;
}
