// Where things are in a Pod. config.toml names these paths, the Deployment mounts them.

/** Key of the ConfigMap, and name of the mounted file. */
export const CONFIG_KEY = 'config.toml';

/** Key of the same ConfigMap, not mounted: the drop-in that config.toml was made with. */
export const DROP_IN_KEY = 'drop-in.toml';

/** Key of the same ConfigMap, mounted as the CA of the issuer: that of a FrontProxy, from a Secret in its namespace. */
export const ISSUER_CA_KEY = 'issuer-ca.crt';

/** Port of the endpoint in the Pod. */
export const HTTPS_PORT = 8443;
/** The same where TLS ends before the Pod. */
export const HTTP_PORT = 8081;
/** Port of /healthz, /readyz and /metrics, plain HTTP. */
export const HEALTH_PORT = 8080;

const ROOT = '/etc/kcp-mcp';

/** Folders that volumes are mounted at, as a whole: kubelet doesn't refresh a file that is mounted by subPath. */
export const MOUNTS = {
  config: `${ROOT}/config`,
  kubeconfig: `${ROOT}/kubeconfig`,
  tls: `${ROOT}/tls`,
  oidcCA: `${ROOT}/oidc-ca`,
  exchangeClient: `${ROOT}/exchange-client`,
  index: `${ROOT}/index`,
} as const;

export const PATHS = {
  config: `${MOUNTS.config}/${CONFIG_KEY}`,
  kubeconfig: `${MOUNTS.kubeconfig}/kubeconfig`,
  tlsCert: `${MOUNTS.tls}/tls.crt`,
  tlsKey: `${MOUNTS.tls}/tls.key`,
  oidcCA: `${MOUNTS.oidcCA}/ca.crt`,
  indexKubeconfig: `${MOUNTS.index}/kubeconfig`,
  clientSecret: `${MOUNTS.exchangeClient}/client-secret`,
} as const;
