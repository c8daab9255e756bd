import * as z from 'zod';
import { KcpProtocolError, KcpStatusError } from '../../kcp/errors.ts';
import { stringAt } from '../../kcp/json.ts';
import { MAX_TEXT_BYTES, NOTE_BYTES } from '../../output/limit.ts';
import { count, oneLine, toolResult } from '../../output/text.ts';
import { ToolError, defineTool } from '../tool.ts';
import type { Call } from '../tool.ts';
import { endOfLog } from './log-text.ts';
import { folderEntries, isFileQuery, logFilePath } from './node-logs.ts';
import { NODE, kubeletRequest, nodeArguments } from './nodes.ts';

const DEFAULT_TAIL = 100;
const KEEP_BYTES = MAX_TEXT_BYTES - NOTE_BYTES;
/** A line has a byte at least, so more lines than that can't be shown. */
const MAX_TAIL = MAX_TEXT_BYTES;
const SHOWN_FILES = 50;

export const nodesLog = defineTool({
  name: 'nodes_log',
  toolset: 'core',
  title: 'Node: Log',
  description:
    'Get the end of a log of a node, through its kubelet: of a service such as kubelet, or of a file in /var/log. A folder shows ' +
    'which files there are.',
  annotations: { readOnlyHint: true, destructiveHint: false, openWorldHint: true },
  input: z.strictObject({
    ...nodeArguments,
    query: z
      .string()
      .min(1)
      .max(1024)
      .describe(
        'A service ("kubelet"), a file in /var/log ("/kube-proxy.log" or "/var/log/kube-proxy.log"), or a folder there, ending in "/" ("/")',
      ),
    tailLines: z
      .int()
      .min(0)
      .optional()
      .describe(`How many lines, from the end of the log (default ${DEFAULT_TAIL}; 0: as many as an answer holds)`),
  }),
  touches: [NODE],
  async handle({ query, tailLines = DEFAULT_TAIL, ...node }, call) {
    const lines = tailLines === 0 ? undefined : Math.min(tailLines, MAX_TAIL);
    const text = isFileQuery(query)
      ? await fileLog({ node, query, lines }, call)
      : await serviceLog({ node, query, lines }, call);
    return toolResult(text);
  },
});

interface LogQuery {
  readonly node: { readonly workspace?: string | undefined; readonly name: string };
  readonly query: string;
  readonly lines: number | undefined;
}

async function fileLog({ node, query, lines }: LogQuery, call: Call): Promise<string> {
  const path = logFilePath(query);
  const shown = oneLine(`/var/log/${path}`);
  const folder = path === '' || path.endsWith('/');
  try {
    const request = kubeletRequest(node, `logs/${path.split('/').map(encodeURIComponent).join('/')}`, call);
    const end = await call.api.text({
      ...request,
      // One byte more than is kept: that is how it shows that something comes before.
      ...(!folder && { headers: { ...request.headers, range: `bytes=-${KEEP_BYTES + 1}` } }),
      keepBytes: KEEP_BYTES,
    });
    if (folder) return `Files in ${shown} of node ${node.name}:\n${listed(folderEntries(end.text), end.cut)}`;
    if (end.text === '') return `${shown} of node ${node.name} is empty.`;
    return `${header(`${shown} of node ${node.name}`, lines)}\n${endOfLog(end, lines)}`;
  } catch (error) {
    if (error instanceof KcpProtocolError && !folder) {
      throw new ToolError(`${shown} of node ${node.name} is a folder: end query with "/" to see its files.`, 'invalid');
    }
    throw explained(error, node.name, () => `has no ${shown}. query "/" shows which files there are.`);
  }
}

async function serviceLog({ node, query, lines }: LogQuery, call: Call): Promise<string> {
  if (!/^[\w.:@-]{1,256}$/.test(query)) {
    throw new ToolError(
      'query is neither a service (letters, digits and ".:@_-") nor a file in /var/log, beginning with "/".',
      'invalid',
    );
  }
  const ask = (tailLines: number | undefined) =>
    call.api.text({ ...kubeletRequest(node, 'logs/', call), query: { query, tailLines }, keepBytes: KEEP_BYTES });
  try {
    let end = await ask(lines);
    // Where the service logs to a file, kubelet counts no lines.
    if (end.text.includes('try without specifying options')) end = await ask(undefined);
    const entries = folderEntries(end.text);
    if (entries.length > 0) throw notQueried(node.name, query, entries);
    if (end.text.trim() === `log not found for ${query}`) {
      throw new ToolError(
        `Node ${node.name} has no log of a service ${query}: it is neither in its journal nor a file in /var/log. query "/" shows which files there are.`,
        'not_found',
      );
    }
    if (end.text.trim() === '') return `Service ${query} of node ${node.name} has logged nothing.`;
    return `${header(`service ${query} of node ${node.name}`, lines)}\n${endOfLog(end, lines)}`;
  } catch (error) {
    throw explained(error, node.name, () => `doesn't serve logs of services.`);
  }
}

function header(what: string, lines: number | undefined): string {
  return lines === undefined ? `[${what}]` : `[${what}: the last ${count(lines, 'line')} at most]`;
}

function listed(entries: readonly string[], cut: boolean): string {
  const more = entries.length > SHOWN_FILES * 20 || cut;
  const lines = entries.slice(0, SHOWN_FILES * 20).map((entry) => `- ${oneLine(entry)}`);
  return [...(lines.length === 0 ? ['(none)'] : lines), ...(more ? ['[cut: there are more]'] : [])].join('\n');
}

/** A kubelet that isn't told to answer queries shows the folder instead. */
function notQueried(node: string, service: string, entries: readonly string[]): ToolError {
  const files = entries.filter((entry) => entry.endsWith('.log') || entry.includes(service)).slice(0, SHOWN_FILES);
  const there =
    files.length === 0
      ? 'query "/" shows which files it has.'
      : `It has: ${files.map((file) => `/${oneLine(file)}`).join(', ')}.`;
  return new ToolError(
    `The kubelet of node ${node} shows log files only, not logs of services (that takes enableSystemLogQuery: true and the feature ` +
      `gate NodeLogQuery in its configuration). ${there}`,
    'not_found',
  );
}

/** What kubelet refuses, which it says without a Status. */
function explained(error: unknown, node: string, missing: () => string): unknown {
  if (!(error instanceof KcpStatusError) || stringAt(error.body, 'details', 'name') !== undefined) return error;
  if (error.status === 404) return new ToolError(`Node ${node} ${missing()}`, 'not_found');
  if (error.status === 405) {
    return new ToolError(
      `The kubelet of node ${node} doesn't show logs (enableSystemLogHandler is false in its configuration).`,
      'not_found',
    );
  }
  if (error.status === 406) {
    return new ToolError(`The kubelet of node ${node} doesn't take this query.`, 'invalid');
  }
  return error;
}
