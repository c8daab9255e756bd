/** The OpenID issuer whose tokens an API server accepts. */
export interface OIDCOptions {
  issuerURL: string;
  clientID: string;
  caFile: string;
}

/**
 * What makes kube-apiserver, and kcp, take the issuer's tokens: users are known by their email. The issuer needn't run
 * yet; it is looked for every 10 s.
 */
export function oidcArguments({ issuerURL, clientID, caFile }: OIDCOptions): string[] {
  return [
    `--oidc-issuer-url=${issuerURL}`,
    `--oidc-client-id=${clientID}`,
    `--oidc-ca-file=${caFile}`,
    '--oidc-username-claim=email',
    '--oidc-username-prefix=-',
    '--oidc-groups-claim=groups',
    '--oidc-signing-algs=RS256,ES256',
  ];
}
