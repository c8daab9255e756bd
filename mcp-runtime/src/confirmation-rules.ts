import type { ToolAnnotations } from '@modelcontextprotocol/server';
import type { ConfirmationRule } from './config/confirmation.ts';

/** A call of a tool, about to be made. */
export interface ToolSubject {
  readonly name: string;
  readonly annotations: ToolAnnotations;
}

/** A request to a Kubernetes API, about to be made. What it doesn't have (the name in a list, the namespace of a cluster's object) is empty. */
export interface KubeSubject {
  /** `get`, `list`, `create`, `delete`, … */
  readonly verb: string;
  readonly kind: string;
  readonly group: string;
  readonly version: string;
  readonly name: string;
  readonly namespace: string;
}

export type ConfirmationSubject = { readonly tool: ToolSubject } | { readonly kube: KubeSubject };

/** For rules without a message: people are always told something. */
const NO_MESSAGE = 'This action requires confirmation.';

const KUBE_FIELDS = ['verb', 'kind', 'group', 'version', 'name', 'namespace'] as const;

/**
 * What a person has to confirm before a tool is called, or before one of the requests that the tool makes.
 *
 * A rule is about tools or about requests, never both (the schema sees to that). It matches when everything that it names is
 * equal; what it leaves empty may be anything. Kinds are compared without regard to case, as everywhere in this server.
 *
 * @param rules `confirmation_rules` of the configuration
 * @returns the message of the one rule that matches, those of several as a list, or undefined where none does
 * @see https://github.com/containers/kubernetes-mcp-server/blob/main/docs/configuration.md#confirmation-rules
 */
export function matchConfirmations(
  rules: readonly ConfirmationRule[],
  subject: ConfirmationSubject,
): string | undefined {
  const matching = rules.filter((rule) =>
    'tool' in subject ? matchesTool(rule, subject.tool) : matchesRequest(rule, subject.kube),
  );
  const [first, ...more] = matching.map(({ message }) => (message === '' ? NO_MESSAGE : message));
  if (first === undefined || more.length === 0) return first;
  return ['Confirmation required:', ...[first, ...more].map((message) => `- ${message}`)].join('\n');
}

function matchesTool({ tool, destructive }: ConfirmationRule, subject: ToolSubject): boolean {
  if (tool === '' && destructive === undefined) return false;
  if (tool !== '' && tool !== subject.name) return false;
  return destructive === undefined || destructive === isDestructive(subject.annotations);
}

/** MCP's defaults: a tool that doesn't say may do harm. */
const isDestructive = ({ readOnlyHint, destructiveHint }: ToolAnnotations) =>
  readOnlyHint !== true && destructiveHint !== false;

function matchesRequest(rule: ConfirmationRule, subject: KubeSubject): boolean {
  const named = KUBE_FIELDS.filter((field) => rule[field] !== '');
  const fold = (field: string, text: string) => (field === 'kind' ? text.toLowerCase() : text);
  return named.length > 0 && named.every((field) => fold(field, rule[field]) === fold(field, subject[field]));
}
