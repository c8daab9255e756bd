/** A case whose KcpMcpServer names a FrontProxy. */
import { readFile } from 'node:fs/promises';
import { waitFor } from '../../../../e2e/lib/wait.ts';
import { applySample, NAME, newCase, type Case, type Child } from './case.ts';
import type { Environment } from './environment.ts';

export const FRONT_PROXY = 'vespucci';
export const ROOT_SHARD = 'root';
/** Secret with the issuer's CA. */
export const ISSUER_CA = 'oidc-ca';
export const ISSUER = { issuerURL: 'https://auth.example.com', clientID: 'platform-mesh' };
const SOON = { deadlineMs: 15_000, intervalMs: 20 };

export type FrontProxyCase = Awaited<ReturnType<typeof newFrontProxyCase>>;

/** @param options.roles those of config/samples/front-proxy; default true */
export async function newFrontProxyCase(env: Environment, { roles = true } = {}) {
  const it: Case = await newCase(env, { roles: false });
  const { namespace, source } = it;
  const minted = `kcp-mcp.${namespace}.${NAME}`;
  if (roles) {
    for (const file of ['source-role.yaml', 'target-role.yaml']) await applySample(env, `front-proxy/${file}`, it);
  }

  const self = {
    ...it,
    /** Name of the Kubeconfig that the operator makes, and of its Secret. */
    minted,

    consent: (...namespaces: string[]) => {
      const value = namespaces.length === 0 ? null : namespaces.join();
      const annotations = { 'mcp.kcp.io/allow-namespaces': value };
      return it.patch('FrontProxy', FRONT_PROXY, { metadata: { annotations } }, { where: source });
    },
    /** Without consent. */
    createFrontProxy: (oidc: object | null = ISSUER, other: object = {}) => {
      const auth = oidc ? { oidc, serviceAccount: { enabled: true }, ...other } : other;
      return it.apply('FrontProxy', FRONT_PROXY, { spec: { rootShard: { ref: { name: ROOT_SHARD } }, auth } }, source);
    },
    createRootShard: (oidc: object | null = ISSUER) => {
      const auth = oidc ? { oidc, serviceAccount: { enabled: true } } : {};
      return it.apply('RootShard', ROOT_SHARD, { spec: { auth } }, source);
    },
    async createIssuerCA(more = ''): Promise<void> {
      const pem = await readFile(env.plane.caFile, 'utf8');
      await it.apply('Secret', ISSUER_CA, { stringData: { 'ca.crt': pem + more } }, source);
    },
    /** Nothing but what it takes. */
    createServer: (spec: Record<string, unknown> = {}) =>
      it.apply('KcpMcpServer', NAME, {
        spec: {
          hostname: 'mcp.vespucci.example.com',
          kcp: { frontProxyRef: { name: FRONT_PROXY, namespace: source } },
          tls: { issuerRef: { name: 'letsencrypt-prod', kind: 'ClusterIssuer' } },
          ...spec,
        },
      }),
    /** The Kubeconfig, once the operator has made it. */
    kubeconfigOfOurs: (name = minted): Promise<Child> =>
      waitFor(`Kubeconfig ${name}`, () => it.find('Kubeconfig', name, source), SOON),
    /** What kcp-operator does with it. */
    async fill(name = minted, user = 'kcp-mcp', credentials?: Record<string, string>): Promise<void> {
      await self.kubeconfigOfOurs(name);
      const nothing = { 'client-certificate-data': undefined, 'client-key-data': undefined, token: undefined };
      const options = credentials && { user: { ...nothing, ...credentials } };
      const text = (await it.kubeconfig(options)).replaceAll('kcp-mcp', user);
      await it.apply('Secret', name, { stringData: { kubeconfig: text } }, source);
      await it.patch('Kubeconfig', name, { status: { phase: 'Ready' } }, { where: source, sub: '/status' });
    },
    async becomeReady(spec: Record<string, unknown> = {}): Promise<void> {
      await self.createFrontProxy();
      await self.consent(namespace);
      await self.createServer(spec);
      await self.fill();
      await it.issueCertificate();
      await it.runPods();
      await it.condition('Ready', 'True');
    },
    gone: (kind: string, name: string, where: string): Promise<boolean> =>
      waitFor(`${kind} ${name} to be gone`, async () => (await it.find(kind, name, where)) === undefined, SOON),
  };
  return self;
}
