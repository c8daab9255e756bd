import type { Call } from '../tool.ts';

// What every write has in common.

/** Whom the API server notes as the manager of the fields that a tool sets. */
export function fieldManager({ config }: Call): string {
  return config.toolset_configs.kcp.field_manager;
}

/** Whether a field that the API doesn't know is a warning or an error (KEP-2885). */
export function fieldValidation({ config }: Call): 'Warn' | 'Strict' {
  return config.validation_enabled ? 'Strict' : 'Warn';
}
