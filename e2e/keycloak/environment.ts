// What the scenarios on Keycloak run in: Keycloak, kcp behind it, and the runtime in both modes. All on loopback.
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { ensureBinaries } from '../cluster/toolchain.ts';
import { startKcp } from '../kcp/start.ts';
import { processesWithEnvironment } from '../lib/identity.ts';
import { freePorts } from '../lib/ports.ts';
import { RUN_DIR_VARIABLE, stopAll } from '../lib/process.ts';
import { createProgress } from '../lib/progress.ts';
import { demoAccounts } from '../oidc/accounts.ts';
import { ensureTLSFiles } from '../oidc/tls-files.ts';
import type { TLSFiles } from '../oidc/tls-files.ts';
import { ensureKeycloak } from './distribution.ts';
import { KCP_AUDIENCE, KCP_SCOPE, realm } from './realm.ts';
import { startRuntime } from './runtime.ts';
import { startKeycloak } from './server.ts';

/** Contents of `DIR/keycloak.json`. The passwords and secrets are those of a throw-away realm. */
export interface KeycloakState {
  dir: string;
  tls: TLSFiles;
  /** All that the clients have to trust. */
  caFile: string;
  issuerURL: string;
  /** A realm that trusts no host that anybody is on here. */
  strictIssuerURL: string;
  users: { name: string; password: string }[];
  kcp: { url: string; caFile: string; kubeconfig: string; requestLog: string };
  /** The server whose callers' tokens go to kcp as they are. */
  passthrough: string;
  /** The server that exchanges them. */
  exchange: { mcpURL: string; clientSecret: string; clientSecretFile: string };
  /** A client like that of `exchange`, but for the switch that lets it exchange; nothing runs there. */
  forgotten: { port: number; mcpURL: string };
}

/** Of web pages that may register clients in realm kcp. */
export const TRUSTED_ORIGIN = 'https://inspector.example.com';

export const stateFile = (dir: string): string => join(dir, 'keycloak.json');

/**
 * Brings all of it up; what an earlier run left in `dir` is removed first.
 *
 * @throws when a part doesn't come up; what runs is left for {@link down}
 */
export async function up(dir: string): Promise<KeycloakState> {
  const progress = createProgress();
  await down(dir);
  await mkdir(dir, { recursive: true });
  const distribution = await ensureKeycloak(progress);
  await ensureBinaries(['etcd', 'generic-controlplane'], progress);
  const [keycloakPort = 0, kcpPort = 0, ...endpoints] = await freePorts(5);
  const [passthroughPort = 0, exchangePort = 0, forgottenPort = 0] = endpoints;
  const tls = await ensureTLSFiles(join(dir, 'tls'), ['localhost', '127.0.0.1']);
  const resource = (port: number): string => `https://localhost:${port}/mcp`;
  // A colon, a space and a plus: what Basic credentials and forms could trip over.
  const clientSecret = 'a secret: 1+1';

  const origin = `https://localhost:${keycloakPort}`;
  await progress.step('start Keycloak and import the realm', () =>
    startKeycloak({
      dir,
      distribution,
      port: keycloakPort,
      tls,
      realms: {
        kcp: realm({
          name: 'kcp',
          accounts: demoAccounts,
          trustedHosts: ['localhost', '127.0.0.1'],
          webOrigins: [TRUSTED_ORIGIN],
          exchangers: [
            { clientId: resource(exchangePort), scope: 'mcp', secret: clientSecret, mayExchange: true },
            { clientId: resource(forgottenPort), scope: 'mcp-forgotten', secret: clientSecret, mayExchange: false },
          ],
        }),
        strict: realm({
          name: 'strict',
          accounts: demoAccounts,
          trustedHosts: ['assistant.example.com'],
          webOrigins: [],
          exchangers: [],
        }),
      },
    }),
  );
  const issuerURL = `${origin}/realms/kcp`;
  const kcp = await progress.step(`start the kcp stand-in, which takes tokens for ${KCP_AUDIENCE} only`, () =>
    startKcp({
      dir,
      address: '127.0.0.1',
      port: kcpPort,
      oidc: { issuerURL, clientID: KCP_AUDIENCE, caFile: tls.caFile },
    }),
  );
  const caFile = join(dir, 'ca.crt');
  await writeFile(caFile, [await readFile(tls.caFile, 'utf8'), await readFile(kcp.caFile, 'utf8')].join('\n'));
  const kubeconfig = kubeconfigOf(kcp.url, await readFile(kcp.caFile));

  const common = { dir, tls, kubeconfig };
  const oidc = { issuerURL, caRef: { name: 'ca' } };
  const [passthrough, exchange] = await progress.step('start the runtime in both modes', () =>
    Promise.all([
      startRuntime({
        ...common,
        name: 'passthrough',
        port: passthroughPort,
        auth: { oidc: { ...oidc, audience: KCP_AUDIENCE, scopes: ['openid', 'email', 'groups', KCP_SCOPE] } },
      }),
      startRuntime({ ...common, name: 'exchange', port: exchangePort, auth: exchangeAuth(issuerURL, resource(exchangePort)), clientSecret }), // prettier-ignore
    ]),
  );
  const state: KeycloakState = {
    dir,
    tls,
    caFile,
    issuerURL,
    strictIssuerURL: `${origin}/realms/strict`,
    users: demoAccounts.map(({ name, password }) => ({ name, password })),
    kcp: { url: kcp.url, caFile: kcp.caFile, kubeconfig, requestLog: kcp.requestLog },
    passthrough: passthrough.mcpURL,
    exchange: { mcpURL: exchange.mcpURL, clientSecret, clientSecretFile: exchange.clientSecretFile },
    forgotten: { port: forgottenPort, mcpURL: resource(forgottenPort) },
  };
  await writeFile(`${stateFile(dir)}.new`, JSON.stringify(state), { mode: 0o600 });
  await rename(`${stateFile(dir)}.new`, stateFile(dir));
  return state;
}

/** `spec.auth` of a server that exchanges as `clientID`; callers' tokens are for the endpoint itself, by `scope`. */
export function exchangeAuth(issuerURL: string, clientID: string, { audience = KCP_AUDIENCE, scope = 'mcp' } = {}) {
  return {
    oidc: { issuerURL, caRef: { name: 'ca' }, scopes: ['openid', 'email', 'groups', scope] },
    upstream: { mode: 'Exchange' as const, audience, clientID, clientSecretRef: { name: 'mcp-exchange' } },
  };
}

/** Ends every process of it and removes its files. Idempotent. */
export async function down(dir: string): Promise<void> {
  if (!existsSync(dir)) return;
  await stopAll(dir, { graceMs: 20_000 });
  await rm(dir, { recursive: true, force: true });
}

/** What is still there after {@link down}; nothing, if all is well. */
export function left(dir: string): string[] {
  const below = (path: string): boolean => path === dir || path.startsWith(dir + sep);
  return [
    ...processesWithEnvironment(RUN_DIR_VARIABLE, below).map(({ pid }) => `process ${pid}`),
    ...(existsSync(dir) ? [`folder ${dir}`] : []),
  ];
}

function kubeconfigOf(url: string, ca: Buffer): string {
  const cluster = { server: `${url}/clusters/root`, 'certificate-authority-data': ca.toString('base64') };
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'kcp', cluster }],
    contexts: [{ name: 'kcp', context: { cluster: 'kcp', user: '' } }],
    'current-context': 'kcp',
  });
}
