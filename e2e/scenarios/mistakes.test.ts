// The mistakes that people make most: `kubectl describe` of the resource alone has to tell a stranger what is wrong, and what to
// do about it.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { repoRoot } from '../lib/cache.ts';
import { waitFor } from '../lib/wait.ts';
import { startPlainIssuer, type PlainIssuer } from './plain-issuer.ts';
import { host, state, type Server } from './support.ts';

const NAMESPACE = 'kcp-mcp-mistakes';
const SOURCE = 'kcp-vespucci';
/** FrontProxies: one that the demo's Kubeconfig targets, and one whose owner has consented to nothing. */
const FRONT_PROXY = 'vespucci';
const CLOSED = 'closed';
const FRONT_PROXIES = join(repoRoot, 'operator/testdata/crds/operator.kcp.io_frontproxies.yaml');
const ADDRESS = new URL(state.issuer.issuerURL).hostname;

interface Spec {
  hostname: string;
  kcp: object;
  auth: { oidc: { issuerURL: string; audience: string; caRef: object } };
  tls: { issuerRef: { name: string; kind: string } };
  deployment: Record<string, unknown>;
  [field: string]: unknown;
}

/** A spec in which all is right, as that of the demo is. */
let right: Spec;
let keycloak: PlainIssuer;
let closed: PlainIssuer;

beforeAll(async () => {
  const { spec } = await host.get<{ spec: Spec }>('kcpmcpserver', state.server.name, '-n', state.server.namespace);
  right = { hostname: spec.hostname, kcp: spec.kcp, auth: spec.auth, tls: spec.tls, deployment: {} };
  keycloak = await startPlainIssuer({ address: ADDRESS, path: '/realms/kcp', registers: true });
  closed = await startPlainIssuer({ address: ADDRESS, path: '', registers: false });

  await host.run(['apply', '-f', FRONT_PROXIES]);
  await host.run(['wait', '--for=condition=Established', 'crd/frontproxies.operator.kcp.io', '--timeout=30s']);
  const { issuerURL, clientID } = state.issuer;
  const { data } = await host.get<{ data: { kubeconfig: string } }>('secret', 'kcp-mcp-kubeconfig', '-n', SOURCE);
  const source = Buffer.from(data.kubeconfig, 'base64').toString();
  await host.apply(
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } },
    configMap('oidc-ca', await readFile(state.caFile, 'utf8')),
    configMap('plain-ca', [keycloak, closed].map(({ ca }) => ca).join('\n')),
    secretRights(),
    kubeconfigSecret('kcp', source),
    kubeconfigSecret('far-away', source.replaceAll(new URL(state.kcp.url).host, 'kcp.invalid:6443')),
    ...[FRONT_PROXY, CLOSED].map((name) => ({
      apiVersion: 'operator.kcp.io/v1alpha1',
      kind: 'FrontProxy',
      metadata: { name, namespace: SOURCE },
      spec: {
        rootShard: { ref: { name: 'root' } },
        auth: { oidc: { issuerURL, clientID }, serviceAccount: { enabled: true } },
      },
    })),
  );
  await host.apply(secretRightsBinding());
}, 120_000);

afterAll(async () => {
  await host.run(['delete', 'kcpmcpservers', '--all', '-n', NAMESPACE, '--wait=true', '--timeout=60s']);
  await host.run(['delete', 'namespace', NAMESPACE, '--wait=false']);
  await host.run(['delete', '-f', FRONT_PROXIES, '--wait=true', '--timeout=60s']);
  await Promise.all([keycloak, closed].map((issuer) => issuer.stop()));
}, 180_000);

const configMap = (name: string, pem: string): object => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: NAMESPACE },
  data: { 'ca.crt': pem },
});

const kubeconfigSecret = (name: string, kubeconfig: string): object => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name, namespace: NAMESPACE },
  stringData: { kubeconfig },
});

/** What target-role.yaml of the samples grants for one server, for all that are made here. */
const secretRights = (): object => ({
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'Role',
  metadata: { name: 'kcp-mcp-operator', namespace: NAMESPACE },
  rules: [{ apiGroups: [''], resources: ['secrets'], verbs: ['get', 'watch', 'create', 'patch', 'delete'] }],
});
const secretRightsBinding = (): object => ({
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'RoleBinding',
  metadata: { name: 'kcp-mcp-operator', namespace: NAMESPACE },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'kcp-mcp-operator' },
  subjects: [{ kind: 'ServiceAccount', name: 'kcp-mcp-operator', namespace: 'kcp-mcp-operator-system' }],
});

const oidc = (changes: object): Partial<Spec> => ({ auth: { oidc: { ...right.auth.oidc, ...changes } } });
/** kcp is named without its FrontProxy, which would say that it believes another issuer. */
const plain = (issuer: PlainIssuer): Partial<Spec> => ({
  ...oidc({ issuerURL: issuer.issuerURL, caRef: { kind: 'ConfigMap', name: 'plain-ca', key: 'ca.crt' } }),
  kcp: { secretRef: { name: 'kcp' } },
});

const TAKEN = 'taken.example.com';
const exposed = (): Partial<Spec> => ({ hostname: TAKEN, exposure: { ingress: {} } });

const apply = (name: string, spec: Partial<Spec>): Promise<string> =>
  host.apply({
    apiVersion: 'mcp.kcp.io/v1alpha1',
    kind: 'KcpMcpServer',
    metadata: { name, namespace: NAMESPACE },
    spec: { ...right, hostname: `${name}.example.com`, ...spec },
  });

/** @returns what `kubectl describe` prints of status and events, once it says `mistake`: the spec holds the mistake anyway */
async function describeOnce(name: string, mistake: RegExp): Promise<string> {
  let text = '';
  try {
    await waitFor(
      `kubectl describe to say ${String(mistake)}`,
      async () => {
        const whole = await host.run(['describe', 'kcpmcpserver', name, '-n', NAMESPACE]);
        text = whole.slice(whole.indexOf('\nStatus:'));
        return mistake.test(text);
      },
      { deadlineMs: 90_000, intervalMs: 500 },
    );
  } catch (error) {
    throw new Error(`it says instead:\n${text}`, { cause: error });
  }
  return text;
}

interface Mistake {
  /** What has to be there before. */
  before?: () => Promise<unknown>;
  spec: () => Partial<Spec>;
  /** What is wrong, with the value at fault. */
  mistake: RegExp;
  /** What to do. */
  cure: RegExp;
  /** Reason of Ready; undefined: it is no reason against it. */
  reason?: string;
}

const mistakes: [string, Mistake][] = [
  [
    'a wrong issuer',
    {
      spec: () => oidc({ issuerURL: `${state.issuer.issuerURL}/` }),
      mistake:
        /issuerURL "https:\S+\/" differs from "https:\S+[^/]", which is spec\.auth\.oidc\.issuerURL of FrontProxy/,
      cure: /Set it to the value of FrontProxy kcp-vespucci\/vespucci/,
      reason: 'Mismatch',
    },
  ],
  [
    'a wrong issuer that only the issuer itself can tell',
    {
      spec: () => ({ ...oidc({ issuerURL: `${state.issuer.issuerURL}/` }), kcp: { secretRef: { name: 'kcp' } } }),
      mistake: /issuerURL is https:\S+\/, but the issuer there names itself https:\S+[^/]: .*slash at the end/,
      cure: /Set spec\.auth\.oidc\.issuerURL to the name that the issuer gives itself/,
      reason: 'IssuerMismatch',
    },
  ],
  [
    'an audience that is not the client id of kcp',
    {
      spec: () => oidc({ audience: 'my-assistant' }),
      mistake: new RegExp(
        `audience "my-assistant" differs from "${state.issuer.clientID}", which is spec.auth.oidc.clientID`,
      ),
      cure: /Set it to the value of FrontProxy kcp-vespucci\/vespucci/,
      reason: 'Mismatch',
    },
  ],
  [
    'a Kubeconfig that is missing',
    {
      spec: () => ({ kcp: { kubeconfigRef: { name: 'kcp-mcp-kubeconfg', namespace: SOURCE } } }),
      mistake: /Kubeconfig kcp-vespucci\/kcp-mcp-kubeconfg not found/,
      cure: /create it, or correct spec\.kcp\.kubeconfigRef/i,
      reason: 'NotFound',
    },
  ],
  [
    'an issuer that registers no clients',
    {
      spec: () => plain(closed),
      mistake: /but registers no clients: its metadata has neither registration_endpoint/,
      cure: /Enable dynamic client registration there, or make a public client with PKCE/,
    },
  ],
  [
    'trusted hosts of Keycloak',
    {
      spec: () => plain(keycloak),
      mistake: /refused with 403 and "Trusted Hosts"/,
      cure: /add the host of its redirect address to that client registration policy/,
    },
  ],
  [
    'a ClusterIssuer that is missing',
    {
      spec: () => ({ tls: { issuerRef: { name: 'letsencrypt-prd', kind: 'ClusterIssuer' } } }),
      mistake: /ClusterIssuer letsencrypt-prd, which spec\.tls\.issuerRef names, doesn't exist/,
      cure: /create it, or correct spec\.tls\.issuerRef; see: kubectl get clusterissuer/,
      reason: 'IssuerNotFound',
    },
  ],
  [
    'a hostname that is taken',
    {
      before: () => apply('holder', { ...exposed(), deployment: { replicas: 0 } }),
      spec: exposed,
      mistake: new RegExp(`host name ${TAKEN} is exposed by KcpMcpServer ${NAMESPACE}/holder already`),
      cure: /set another spec\.hostname, or delete that one/,
      reason: 'HostnameTaken',
    },
  ],
  [
    'an image that cannot be pulled',
    {
      spec: () => ({ deployment: { image: 'registry.invalid/kcp-mcp-runtime:0.0.0' } }),
      mistake: /can't pull image registry\.invalid\/kcp-mcp-runtime:0\.0\.0/,
      cure: /Correct spec\.deployment\.image, push the image, or name the credentials/,
      reason: 'ImagePullFailed',
    },
  ],
  [
    'consent that is missing',
    {
      spec: () => ({ kcp: { frontProxyRef: { name: CLOSED, namespace: SOURCE } } }),
      mistake: /FrontProxy kcp-vespucci\/closed does not let KcpMcpServers of namespace kcp-mcp-mistakes/,
      cure: /kubectl -n kcp-vespucci annotate frontproxies\.operator\.kcp\.io closed mcp\.kcp\.io\/allow-namespaces=kcp-mcp-mistakes/,
      reason: 'NotPermitted',
    },
  ],
  [
    'a kcp that the Pods cannot reach',
    {
      spec: () => ({ kcp: { secretRef: { name: 'far-away' } } }),
      mistake: /no answer from kcp at https:\/\/kcp\.invalid:6443: the name kcp\.invalid can't be resolved/,
      cure: /Give the name an address in spec\.deployment\.hostAliases/,
    },
  ],
];

describe('kubectl describe alone tells of', () => {
  test.each(mistakes)('%s', async (title, { before, spec, mistake, cure, reason }) => {
    const name = title.replaceAll(/[^a-zA-Z]+/g, '-').toLowerCase().slice(0, 40).replace(/-$/, ''); // prettier-ignore
    await before?.();
    await apply(name, spec());
    const text = await describeOnce(name, mistake);
    expect(text).toMatch(cure);
    const { status } = await host.get<Server>('kcpmcpserver', name, '-n', NAMESPACE);
    const ready = status?.conditions?.find(({ type }) => type === 'Ready');
    if (reason !== undefined) expect(ready?.reason).toBe(reason);
    await host.run(['delete', 'kcpmcpserver', name, '-n', NAMESPACE, '--wait=true', '--timeout=60s']);
  });
});
