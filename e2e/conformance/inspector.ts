import { createRequire } from 'node:module';
import { join } from 'node:path';
import { execute, type Output } from '../lib/execute.ts';

/** Revisions as the inspector is told them, and whether it ends up with 2026-07-28 at a server of both. */
export const INSPECTOR_ERAS = [
  ['legacy', false],
  ['auto', true],
  ['modern', true],
] as const;

export interface Inspected {
  readonly mcpURL: string;
  readonly caFile: string;
  /** Sent as a bearer token; none when absent. */
  readonly token?: string;
  /** A folder that it may take for the user's. */
  readonly home: string;
}

/**
 * Runs one method of the MCP inspector's command line, which prints the result as JSON or an error on standard error.
 *
 * @param args such as `--method tools/list`
 */
export function inspect({ mcpURL, caFile, token, home }: Inspected, args: readonly string[]): Promise<Output> {
  const packageFile = createRequire(import.meta.url).resolve('@modelcontextprotocol/inspector/package.json');
  const program = join(packageFile, '..', 'clients', 'launcher', 'build', 'index.js');
  const header = token === undefined ? [] : ['--header', `Authorization: Bearer ${token}`];
  // Never a browser to sign in with, nor the secrets of whoever runs the tests.
  const quiet = ['--stored-auth-only', '--format', 'json'];
  return execute(process.execPath, [program, '--cli', mcpURL, ...header, ...quiet, ...args], {
    env: { HOME: home, NODE_EXTRA_CA_CERTS: caFile },
  });
}

interface Answer {
  readonly result: {
    readonly _meta?: Record<string, { readonly name: string }>;
    readonly tools?: readonly { readonly name: string }[];
    readonly content?: readonly { readonly text: string }[];
  };
}

/** The result that the inspector printed. @throws with what it said, where it failed */
export function resultOf({ code, stdout, stderr }: Output): Answer['result'] {
  if (code !== 0) throw new Error(`the inspector ended with ${code}: ${stderr}`);
  return (JSON.parse(stdout) as Answer).result;
}
