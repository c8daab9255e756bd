import {
  CLIENT_CAPABILITIES_META_KEY,
  inputRequired,
  inputResponse,
  ProtocolError,
  ProtocolErrorCode,
  type CallToolResult,
  type InputRequiredResult,
  type ServerContext,
} from '@modelcontextprotocol/server';
import { beginAudit, plain, type AuditEntry } from './audit.ts';
import type { Principal } from './auth/principal.ts';
import { DeadlineError, withinDeadline } from './deadline.ts';
import { InputNeeded, NOBODY, type Answer, type Interaction, type Question, type Settled } from './interaction.ts';
import { at } from './kcp/json.ts';
import type { Logger } from './log.ts';
import type { Metrics } from './metrics.ts';
import type { Seal } from './seal.ts';
import type { Service } from './service.ts';
import type { Progress } from './tools/tool.ts';

/** One `tools/call` request. */
export interface ToolCall {
  readonly service: Service;
  readonly principal: Principal;
  readonly params: { readonly name: string; readonly arguments?: Record<string, unknown> | undefined };
  readonly call: ServerContext;
  /** Whether the request is of 2026-07-28, where a result can ask for input. */
  readonly modern: boolean;
  readonly seal: Seal;
  readonly log: Logger;
  readonly metrics: Metrics;
}

/** Calls a tool within its time and writes its audit line. */
export async function callTool(toolCall: ToolCall): Promise<CallToolResult | InputRequiredResult> {
  const { service, principal, params, call, seal } = toolCall;
  const audit = beginAudit(toolCall, { principal, tool: params.name, known: service.byName.has(params.name) });
  const interaction = interactionOf(toolCall);
  try {
    const result = await withinDeadline(call.mcpReq.signal, service.timeoutMs, (signal) =>
      service.toolset.call(params.name, params.arguments ?? {}, {
        principal,
        signal,
        audit: audit.add,
        interaction,
        progress: progressOf(call),
      }),
    );
    if (result instanceof InputNeeded) {
      audit.end('ok');
      return inputRequired({
        inputRequests: { [CONFIRMATION]: inputRequired.elicit(formOf(result.question)) },
        requestState: await seal.close(result.settled, call),
      });
    }
    audit.end(result.isError === true ? 'error' : 'ok');
    return result;
  } catch (error) {
    return failed(error, toolCall, audit);
  }
}

/** Names our one question among a result's `inputRequests`. */
const CONFIRMATION = 'confirmation';
/** Names what has to be typed in its form. */
const TYPED = 'confirm';

function formOf({ message, type }: Question): Parameters<typeof inputRequired.elicit>[0] {
  if (type === undefined) return { message, requestedSchema: { type: 'object', properties: {} } };
  const field = { type: 'string', title: `Type ${type} to confirm`, maxLength: 512 } as const;
  return { message, requestedSchema: { type: 'object', properties: { [TYPED]: field }, required: [TYPED] } };
}

function interactionOf({ call, modern }: ToolCall): Interaction {
  if (!modern) return NOBODY;
  const { envelope, inputResponses } = call.mcpReq;
  const elicitation = at(envelope, CLIENT_CAPABILITIES_META_KEY, 'elicitation');
  return {
    // `{}` means forms; a client that only opens URLs says so.
    canAsk:
      elicitation !== undefined && (at(elicitation, 'form') !== undefined || at(elicitation, 'url') === undefined),
    settled: call.mcpReq.requestState<Settled>(),
    answer: answerOf(inputResponses),
  };
}

function answerOf(responses: Record<string, unknown> | undefined): Answer | undefined {
  const response = inputResponse(responses, CONFIRMATION);
  if (response.kind !== 'elicit') return undefined;
  if (response.action !== 'accept') return { action: response.action };
  const typed = response.content?.[TYPED];
  return { action: 'accept', typed: typeof typed === 'string' ? typed.trim() : undefined };
}

/** Sends progress notifications where the client gave a token for them (MCP: basic/utilities/progress). */
function progressOf({ mcpReq }: ServerContext): (progress: Progress) => void {
  const progressToken = mcpReq._meta?.progressToken;
  if (progressToken === undefined) return () => undefined;
  return ({ done, total, message }) => {
    const params = { progressToken, progress: done, message, ...(total !== undefined && { total }) };
    // A client that has gone away is told by the call's signal.
    mcpReq.notify({ method: 'notifications/progress', params }).catch(() => undefined);
  };
}

function failed(error: unknown, { call, params, service, log }: ToolCall, audit: AuditEntry): CallToolResult {
  if (error instanceof ProtocolError) {
    audit.end('error');
    throw error;
  }
  if (call.mcpReq.signal.aborted) {
    audit.end('cancelled');
    throw error;
  }
  if (error instanceof DeadlineError) {
    audit.end('timeout');
    const text = `The call took longer than ${service.timeoutMs / 1_000} s and was cancelled. Ask for less: one workspace, one namespace or a selector.`;
    return { isError: true, content: [{ type: 'text', text }] };
  }
  audit.end('error');
  // A fault of ours: the caller learns that it happened, the log what it was.
  log.error('tool failed', { tool: plain(params.name), error: error instanceof Error ? error.stack : String(error) });
  throw new ProtocolError(ProtocolErrorCode.InternalError, 'internal error; the log of the server says more');
}
