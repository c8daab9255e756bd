import type { ToolAnnotations } from '@modelcontextprotocol/server';
import type { RuntimeConfig } from './config/schema.ts';

/** What the gates look at. */
export interface GatedTool {
  readonly name: string;
  readonly toolset: string;
  readonly annotations: ToolAnnotations;
}

/** A group and kind of objects. The version is of no account: the same objects are served in all of them. */
export interface GroupKind {
  readonly group: string;
  readonly kind: string;
}

/** What this installation allows, whoever calls. */
export interface Policy {
  /** Why a tool may not be called: a sentence naming the setting; undefined where it may. */
  refuseTool(tool: GatedTool): string | undefined;
  /** Why objects of a kind may not be touched; undefined where they may. */
  refuseKind(kind: GroupKind): string | undefined;
}

type PolicyConfig = Pick<
  RuntimeConfig,
  'toolsets' | 'enabled_tools' | 'disabled_tools' | 'read_only' | 'disable_destructive' | 'denied_resources'
>;

/**
 * The gates of config.toml, made to be asked at each call: what clients were told in `tools/list` binds nobody.
 *
 * A tool whose annotations don't say is taken for the worst case, as MCP's defaults have it: not read-only, destructive.
 * `denied_resources` matches group and kind in every version; an empty kind is the whole group.
 */
export function createPolicy(config: PolicyConfig): Policy {
  const toolsets = new Set<string>(config.toolsets);
  const enabled = new Set(config.enabled_tools);
  const disabled = new Set(config.disabled_tools);
  const deniedGroups = new Set<string>();
  const deniedKinds = new Set<string>();
  for (const { group, kind } of config.denied_resources) {
    if (kind === '') deniedGroups.add(group);
    else deniedKinds.add(key({ group, kind }));
  }

  return {
    refuseTool({ name, toolset, annotations }) {
      const readOnly = annotations.readOnlyHint === true;
      const off = (why: string) => `Tool ${name} is switched off on this server (${why}).`;
      if (!toolsets.has(toolset)) return off(`toolset "${toolset}" is not enabled`);
      if (enabled.size > 0 && !enabled.has(name)) return off('it is not among enabled_tools');
      if (disabled.has(name)) return off('disabled_tools');
      if (config.read_only && !readOnly) return off('read_only: nothing may be changed');
      if (config.disable_destructive && !readOnly && annotations.destructiveHint !== false) {
        return off('disable_destructive: nothing that exists may be changed or deleted');
      }
      return undefined;
    },
    refuseKind({ group, kind }) {
      if (!deniedGroups.has(group) && !deniedKinds.has(key({ group, kind }))) return undefined;
      const what = group === '' ? kind : `${kind} (${group})`;
      return `Objects of kind ${what} may not be accessed through this server (denied_resources), whatever your own rights.`;
    },
  };
}

/** Kinds are compared without regard to case, as discovery finds them. */
function key({ group, kind }: GroupKind): string {
  return `${group}/${kind.toLowerCase()}`;
}
