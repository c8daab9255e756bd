import { ProtocolError } from '@modelcontextprotocol/server';
import { TokenExchangeError } from '../auth/exchange-error.ts';
import { passthrough, type UpstreamTokens } from '../auth/upstream.ts';
import type { RuntimeConfig } from '../config/schema.ts';
import { matchConfirmations } from '../confirmation-rules.ts';
import { InputNeeded, Questions } from '../interaction.ts';
import type { KcpClient } from '../kcp/client.ts';
import { createDiscovery } from '../kcp/discovery.ts';
import { createInventory } from '../kcp/inventory.ts';
import type { Inventory } from '../kcp/inventory.ts';
import { shorten, toolError } from '../output/text.ts';
import { createPolicy } from '../policy.ts';
import { ALL_TOOLS } from './all.ts';
import { servesKcp } from './arguments.ts';
import { createCallerApi } from './caller-api.ts';
import { define, describeCall, describeIssues, withoutWorkspace } from './definitions.ts';
import { callerWorkspaces, explainFailure } from './failures.ts';
import { confirmOrFallBack, createGate } from './gate.ts';
import { ToolError } from './tool.ts';
import type { Call, CallContext, CallToolResult, Tool, ToolDefinition } from './tool.ts';

export type { CallContext, CallToolResult, ToolDefinition };

export interface ToolDeps {
  readonly kcp: KcpClient;
  readonly config: RuntimeConfig;
  /** What kcp gets for the caller's token; that token itself by default. */
  readonly upstream?: UpstreamTokens;
  /** One of its own, by walking, unless given. */
  readonly inventory?: Inventory;
  /** Milliseconds since the epoch; the system's clock by default. */
  readonly clock?: () => number;
}

/** The tools of this server, behind their gates. */
export interface Toolset {
  /** What `tools/list` answers: made once, the same for every caller. */
  list(): ToolDefinition[];
  /**
   * Calls a tool.
   * @returns also failures (`isError`), with a text that helps on; `InputNeeded` where the caller's user has to be asked first.
   * @throws {ProtocolError} for a tool that doesn't exist.
   */
  call(name: string, args: unknown, context: CallContext): Promise<CallToolResult | InputNeeded>;
  /** Completes an argument: `workspace` from the caller's own workspaces; others have nothing to offer. */
  complete(argument: string, value: string, context: Pick<CallContext, 'principal' | 'signal'>): Promise<string[]>;
}

// JSON-RPC 2.0 §5.1; MCP uses it for unknown tools.
const INVALID_PARAMS = -32602;

export function createToolset({ kcp, config, upstream = passthrough, inventory, clock = Date.now }: ToolDeps): Toolset {
  const policy = createPolicy(config);
  const { default_workspace: root, inventory_max_age: maxAgeMs } = config.cluster_provider_configs.kcp;
  const shared = {
    config,
    clock,
    policy,
    discovery: createDiscovery(kcp, clock),
    inventory: inventory ?? createInventory({ kcp, root, maxAgeMs, clock }),
  };
  const served = servesKcp(config)
    ? ALL_TOOLS
    : ALL_TOOLS.filter(({ kcpOnly }) => kcpOnly !== true).map(withoutWorkspace);
  const tools = new Map(served.map((tool) => [tool.name, tool]));
  const definitions = served
    .filter((tool) => refusal(tool) === undefined)
    .map((tool) => define(tool, config.tool_overrides[tool.name]));

  function refusal(tool: Tool): string | undefined {
    const kinds = tool.touches ?? [];
    return policy.refuseTool(tool) ?? kinds.map((kind) => policy.refuseKind(kind)).find((why) => why !== undefined);
  }

  async function run(tool: Tool, args: unknown, call: Call): Promise<CallToolResult> {
    const why = refusal(tool);
    if (why !== undefined) throw new ToolError(why, 'denied');
    const parsed = tool.input.safeParse(args ?? {});
    if (!parsed.success) throw new ToolError(describeIssues(tool, parsed.error), 'invalid');
    const wanted = matchConfirmations(config.confirmation_rules, { tool });
    if (wanted !== undefined) {
      const message = `${wanted}\n${describeCall(tool.name, parsed.data)}`;
      confirmOrFallBack(
        { id: 'tool', message },
        { config, confirm: (question) => call.confirm(question), context: call },
      );
    }
    return tool.handle(parsed.data, call);
  }

  return {
    list: () => definitions,
    async call(name, args, inbound) {
      const tool = tools.get(name);
      if (tool === undefined) throw new ProtocolError(INVALID_PARAMS, `Unknown tool: ${shorten(name, 100)}`);
      const principal = await upstream.forKcp(inbound.principal, inbound.signal).catch(exchangeFailure);
      if (principal instanceof TokenExchangeError) {
        inbound.audit({ result: `exchange_${principal.failure}` });
        return toolError(principal.message);
      }
      if (principal.caller !== undefined) inbound.audit({ identity: principal.subject });
      const context = { ...inbound, principal };
      const questions = new Questions(context.interaction, { tool: name, args });
      const confirm = confirmWith(questions);
      const gate = createGate({ policy, config, kcp, context, confirm });
      const call: Call = { ...shared, ...context, confirm, api: createCallerApi(kcp, context, gate) };
      try {
        const result = await run(tool, args, call);
        context.audit({ result: 'ok' });
        return result;
      } catch (error) {
        if (error instanceof InputNeeded) {
          context.audit({ result: 'input_needed' });
          return error;
        }
        const { text, result } = await explainFailure(error, call, kcp);
        context.audit({ result });
        return toolError(text);
      }
    },
    async complete(argument, value, { principal, signal }) {
      if (argument !== 'workspace' || !servesKcp(config)) return [];
      const caller = await upstream.forKcp(principal, signal).catch(exchangeFailure);
      // There is nothing to complete; the next call says why.
      if (caller instanceof TokenExchangeError) return [];
      const found = await callerWorkspaces({ ...shared, principal: caller, signal });
      const paths = found?.enterable.map(({ path }) => path) ?? [];
      return paths.filter((path) => path.startsWith(value));
    },
  };
}

/** The failure of an exchange as a value, for it is the caller's to hear of. @throws all else */
function exchangeFailure(error: unknown): TokenExchangeError {
  if (error instanceof TokenExchangeError) return error;
  throw error;
}

function confirmWith(questions: Questions): Call['confirm'] {
  return (question) => {
    const verdict = questions.ask(question);
    if (verdict === 'declined') throw new ToolError('The user said no: nothing was changed.', 'declined');
    if (verdict === 'mistyped') {
      throw new ToolError(
        `What the user typed is not ${JSON.stringify(question.type)}: nothing was changed. Call again to ask again.`,
        'declined',
      );
    }
    return verdict === 'confirmed';
  };
}
