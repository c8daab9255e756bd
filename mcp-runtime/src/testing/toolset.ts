import { runtimeConfigSchema } from '../config/schema.ts';
import type { RuntimeConfigInput } from '../config/schema.ts';
import type { AuditFields } from '../audit.ts';
import type { Principal } from '../auth/principal.ts';
import { InputNeeded, NOBODY } from '../interaction.ts';
import type { Interaction } from '../interaction.ts';
import { createKcpClient } from '../kcp/client.ts';
import type { KcpClient } from '../kcp/client.ts';
import { servesKcp } from '../tools/arguments.ts';
import { createToolset } from '../tools/index.ts';
import type { CallToolResult, Toolset } from '../tools/index.ts';
import type { Progress } from '../tools/tool.ts';
import type { FakeKcp } from './fake-kcp.ts';
import { principalOf } from './principals.ts';

/** A toolset on a kcp, by default configuration, and a short way to call its tools. */
export interface ToolBench {
  readonly toolset: Toolset;
  readonly kcp: KcpClient;
  /** Milliseconds since the epoch; the toolset's clock. */
  readonly time: { now: number };
  /** What was noted for the audit log, all calls together. */
  readonly audited: AuditFields[];
  /** What was told of progress, all calls together. */
  readonly progressed: Progress[];
  readonly call: (tool: string, args?: unknown, user?: string, signal?: AbortSignal) => Promise<CallToolResult>;
  /** One round of a call whose client can ask its user, or can't. */
  readonly round: (tool: string, args: unknown, interaction: Interaction) => Promise<CallToolResult | InputNeeded>;
  /** The text of a successful answer. */
  readonly text: (tool: string, args?: unknown, user?: string) => Promise<string>;
  /** The text of a failure (`isError`). */
  readonly failure: (tool: string, args?: unknown, user?: string) => Promise<string>;
}

/** @param principals who calls, by name; by default those that the fake kcp knows. */
export function createBench(
  fake: Pick<FakeKcp, 'kubeconfig'>,
  settings: Partial<RuntimeConfigInput> = {},
  principals: (user: string) => Principal = principalOf,
): ToolBench {
  const config = runtimeConfigSchema.parse({
    kubeconfig: '/unused',
    cluster_provider_strategy: 'kcp',
    cluster_auth_mode: 'passthrough',
    require_oauth: true,
    oauth_audience: 'kcp',
    authorization_url: 'https://issuer.test',
    server_url: 'https://mcp.test',
    ...settings,
  } satisfies RuntimeConfigInput);
  const kcp = createKcpClient({ kubeconfig: fake.kubeconfig, plain: !servesKcp(config) });
  const time = { now: Date.parse('2026-11-22T20:00:00Z') };
  const toolset = createToolset({ kcp, config, clock: () => time.now });
  const audited: AuditFields[] = [];
  const progressed: Progress[] = [];
  const context = (user: string, signal: AbortSignal, interaction: Interaction) => ({
    principal: principals(user),
    signal,
    audit: (fields: AuditFields) => audited.push(fields),
    progress: (step: Progress) => progressed.push(step),
    interaction,
  });
  const call: ToolBench['call'] = async (tool, args = {}, user = 'alice', signal = new AbortController().signal) => {
    const result = await toolset.call(tool, args, context(user, signal, NOBODY));
    if (result instanceof InputNeeded) throw result;
    return result;
  };
  return {
    toolset,
    kcp,
    time,
    audited,
    progressed,
    call,
    round: (tool, args, interaction) =>
      toolset.call(tool, args, context('alice', new AbortController().signal, interaction)),
    async text(tool, args, user) {
      return textOf(await call(tool, args, user), false);
    },
    async failure(tool, args, user) {
      return textOf(await call(tool, args, user), true);
    },
  };
}

/** The same for one plain cluster: a kcp's address without a workspace. */
export function createPlainBench(fake: Pick<FakeKcp, 'kubeconfig'>): ToolBench {
  const kubeconfig = fake.kubeconfig.replace('/clusters/root', '');
  return createBench({ kubeconfig }, { cluster_provider_strategy: 'kubeconfig' });
}

function textOf({ content, isError = false }: CallToolResult, failed: boolean): string {
  const [first] = content;
  const text = first?.type === 'text' ? first.text : '';
  if (isError !== failed) throw new Error(`${failed ? 'did not fail' : 'failed'}: ${text}`);
  return text;
}
