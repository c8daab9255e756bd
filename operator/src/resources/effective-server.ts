import type { KcpMcpServer } from '../api/kcp-mcp-server.ts';
import { oidcSchema } from '../api/schema/auth.ts';
import { childNames } from './names.ts';
import { ISSUER_CA_KEY } from './pod-layout.ts';

/** What a FrontProxy says of the issuer, and whether it comes with a CA. */
export interface InheritedIssuer {
  issuerURL: string;
  clientID: string;
  hasCA: boolean;
}

/** The server as if it asked for no index: while there is no identity to make it with, a walk is the answer. */
export const withoutIndex = (server: KcpMcpServer): KcpMcpServer => ({
  ...server,
  spec: { ...server.spec, inventory: { ...server.spec.inventory, mode: 'Caller' } },
});

/**
 * The server as if its spec had said what it left to the FrontProxy, so that whatever is made of a server needn't know where its
 * issuer is from. With an exchange the client id is kcp's audience, and callers' tokens are for this server.
 */
export function effectiveServer(server: KcpMcpServer, { issuerURL, clientID, hasCA }: InheritedIssuer): KcpMcpServer {
  const { spec, metadata } = server;
  const caRef = { kind: 'ConfigMap', name: childNames(metadata.name).configMap, key: ISSUER_CA_KEY } as const;
  const oidc = oidcSchema.parse({
    issuerURL,
    ...(spec.auth.upstream.mode === 'Exchange' ? {} : { audience: clientID }),
    ...(hasCA ? { caRef } : {}),
  });
  return { ...server, spec: { ...spec, auth: { ...spec.auth, oidc } } };
}
