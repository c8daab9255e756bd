// Whose identity kcp sees, and whether callers sign in: what the keys about it ask of each other.
import type * as z from 'zod';
import { exchangeKeysGiven, type ExchangeKeys } from './token-exchange.ts';

/** As upstream has it: the caller's own token goes to kcp, or everybody acts as the user of the kubeconfig. */
export const AUTH_MODES = ['passthrough', 'kubeconfig'] as const;

type Keys = ExchangeKeys & {
  readonly bind_address: string;
  readonly cluster_auth_mode: (typeof AUTH_MODES)[number];
  readonly require_oauth: boolean;
  readonly authorization_url?: string | undefined;
  readonly certificate_authority?: string | undefined;
  readonly oauth_scopes: readonly string[];
  readonly disable_dynamic_client_registration: boolean;
  readonly toolset_configs: {
    readonly kcp: { readonly allowed_hosts: readonly string[]; readonly required_scopes: readonly string[] };
  };
  readonly cluster_provider_configs: { readonly kcp: { readonly inventory: string } };
};

/** What callers can't sign in without. */
export const SIGN_IN = {
  oauth_audience: 'must be the audience that kcp expects in tokens, such as "kcp"',
  authorization_url: 'must be an https URL such as "https://auth.example.com"',
  server_url: 'must be an https URL such as "https://mcp.example.com"',
} as const;

type SignInKey = keyof typeof SIGN_IN;

/** Whether the key is there where callers sign in. */
export const isGiven =
  (key: SignInKey) =>
  (config: { readonly [name in SignInKey | 'require_oauth']?: unknown }): boolean =>
    config.require_oauth === false || config[key] !== undefined;

/** That it is missing is told at once, whatever else is wrong with the file. */
export const neededToSignIn = (key: SignInKey) => ({ path: [key], error: SIGN_IN[key], when: () => true });

/** A loopback address to listen on: only this machine reaches it. */
export const LOOPBACK = /^(127\.|::1$|localhost$)/;

const SHARED = 'with cluster_auth_mode = "kubeconfig" kcp sees one identity for everybody';

/** Checks what one key can't tell. What is missing for signing in is said by the keys themselves. */
export function checkAuthMode(config: Keys, context: z.RefinementCtx): void {
  const problem = (path: readonly string[], message: string) => {
    context.addIssue({ code: 'custom', path: [...path], message });
  };
  if (config.cluster_auth_mode === 'kubeconfig') {
    for (const path of exchangeKeysGiven(config))
      problem(path, `exchanges a caller's token for kcp, but ${SHARED}; remove it`);
    if (config.cluster_provider_configs.kcp.inventory === 'index') {
      const message = `asks kcp about each workspace with every caller's own token, but ${SHARED}; remove it`;
      problem(['cluster_provider_configs', 'kcp', 'inventory'], message);
    }
  }
  if (config.require_oauth) return;
  if (config.cluster_auth_mode !== 'kubeconfig') {
    const message =
      'goes with cluster_auth_mode = "kubeconfig" only: otherwise kcp sees the caller\'s own token, and there would be none; write true';
    problem(['require_oauth'], message);
    return;
  }
  for (const path of signInKeysGiven(config)) {
    const cure = path[0] === 'server_url' ? '; name its host in toolset_configs.kcp.allowed_hosts' : '';
    problem(
      path,
      `is about signing in, and require_oauth = false; remove it (upstream refuses such a file, too)${cure}`,
    );
  }
  if (config.toolset_configs.kcp.allowed_hosts.length === 0 && !LOOPBACK.test(config.bind_address)) {
    const message =
      'must name the hosts that clients call, such as "kcp-mcp.kcp-mcp.svc": there is no server_url with require_oauth = false';
    problem(['toolset_configs', 'kcp', 'allowed_hosts'], message);
  }
}

function signInKeysGiven(config: Keys): string[][] {
  const given: [path: string[], value: unknown][] = [
    [['oauth_audience'], config.oauth_audience],
    [['authorization_url'], config.authorization_url],
    [['certificate_authority'], config.certificate_authority],
    [['server_url'], config.server_url],
    [['oauth_scopes'], config.oauth_scopes.length > 0],
    [['disable_dynamic_client_registration'], config.disable_dynamic_client_registration],
    [['toolset_configs', 'kcp', 'required_scopes'], config.toolset_configs.kcp.required_scopes.length > 0],
  ];
  return given.filter(([, value]) => value !== undefined && value !== false).map(([path]) => path);
}
