import type { CallToolResult, Tool as ToolDefinition, ToolAnnotations } from '@modelcontextprotocol/server';
import type * as z from 'zod';
import type { AuditFields } from '../audit.ts';
import type { Principal } from '../auth/principal.ts';
import type { RuntimeConfig } from '../config/schema.ts';
import type { Interaction, Question } from '../interaction.ts';
import type { Discovery } from '../kcp/discovery.ts';
import type { Inventory } from '../kcp/inventory.ts';
import type { GroupKind, Policy } from '../policy.ts';
import type { CallerApi } from './caller-api.ts';

export type { CallToolResult, ToolDefinition };

/** One request of one caller, as the server hands it over. */
export interface CallContext {
  readonly principal: Principal;
  /** Fires when the caller goes away or the request's time is up. */
  readonly signal: AbortSignal;
  /** Adds to the audit line of this call. */
  audit(fields: AuditFields): void;
  /** The person behind the client, as far as they can be asked. */
  readonly interaction: Interaction;
  /** Tells how far a long call has come; does nothing where the client didn't ask for it (MCP: progress). */
  progress(progress: Progress): void;
}

export interface Progress {
  /** Grows with every report. */
  readonly done: number;
  readonly total?: number;
  readonly message: string;
}

/** What a tool works with. */
export interface Call extends CallContext {
  readonly api: CallerApi;
  readonly inventory: Inventory;
  readonly discovery: Discovery;
  readonly policy: Policy;
  readonly config: RuntimeConfig;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  /**
   * Asks for a yes where the client can put a question to its user.
   * @returns false where it can't: the tool has to get it another way.
   * @throws {InputNeeded} to ask in a round of its own, {ToolError} when the answer is no.
   */
  confirm(question: Question): boolean;
}

/** A tool: what clients are told of it, and what it does. One per file. */
export interface Tool<Arguments = unknown> {
  readonly name: string;
  readonly toolset: RuntimeConfig['toolsets'][number];
  /** For people, in clients that show one. */
  readonly title: string;
  /** For models. Never holds text from kcp. */
  readonly description: string;
  /** What the gates decide on, and what clients are told. */
  readonly annotations: ToolAnnotations;
  readonly input: z.ZodType<Arguments>;
  /** Shape of `structuredContent`, for tools that have one. */
  readonly output?: z.ZodType;
  /** Kinds that it always touches; a tool that takes a kind as an argument asks the policy itself. */
  readonly touches?: readonly GroupKind[];
  /** Whether only kcp has what it is about. */
  readonly kcpOnly?: boolean;
  /**
   * Does it.
   * @throws {KcpError} and {@link ToolError} become tool errors with a helping text.
   */
  handle(args: Arguments, call: Call): Promise<CallToolResult>;
}

/** Why a tool doesn't do what was asked, told to the model as it stands. */
export class ToolError extends Error {
  override readonly name = 'ToolError';
  /** One word for the audit log. */
  readonly result: string;

  constructor(message: string, result: string) {
    super(message);
    this.result = result;
  }
}

/** Checks that the handler fits the schema, and lets tools of different arguments stand in one list. */
export function defineTool<Arguments>(tool: Tool<Arguments>): Tool {
  return tool;
}
