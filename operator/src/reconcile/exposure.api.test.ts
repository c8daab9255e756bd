// What exposes the endpoint, on a real API server with Gateway API's own CRDs. What an ingress controller or a gateway would
// write, a test writes.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { gatewayAPICRDs } from '../../../e2e/cluster/gateway-api.ts';
import { repoRoot } from '../../../e2e/lib/cache.ts';
import { waitFor } from '../../../e2e/lib/wait.ts';
import { NAME, newCase, type Case } from './testing/case.ts';
import { certManagerCRDs, CRDS, startEnvironment, type Environment } from './testing/environment.ts';
import { answer, CHILD, PARENT, PARENT_REF, setAddress } from './testing/exposure.ts';

let env: Environment;
let crds: Awaited<ReturnType<typeof gatewayAPICRDs>>;

beforeAll(async () => {
  crds = await gatewayAPICRDs();
  // Gateway API comes later.
  env = await startEnvironment([CRDS.ours, CRDS.kubeconfigs, await certManagerCRDs()]);
  await env.startOperator();
}, 600_000);

afterAll(() => env.stop());

const SOON = { deadlineMs: 10_000, intervalMs: 20 };
const KINDS = ['Ingress', 'TLSRoute', 'HTTPRoute', 'BackendTLSPolicy'];

/** Each has a host name of its own, unless the test is about names. */
const hostOf = (it: Case): string => `${it.namespace}.example.com`;

async function newServer(exposure: object, spec: object = {}): Promise<Case> {
  const it = await newCase(env);
  await it.createSource();
  await it.createServer({ hostname: hostOf(it), exposure, ...spec });
  return it;
}

/** Which of the kinds there are, once they are those. */
async function exposedBy(it: Case, ...kinds: string[]): Promise<void> {
  let seen: string[] = [];
  const found = async (): Promise<boolean> => {
    const objects = await Promise.all(KINDS.map((kind) => it.find(kind, CHILD).catch(() => undefined)));
    seen = KINDS.filter((_, i) => objects[i] !== undefined);
    return seen.join() === kinds.join();
  };
  await waitFor(`exactly ${kinds.join()}`, found, SOON).catch(() => {
    expect(seen).toEqual(kinds);
  });
}

const url = async (it: Case): Promise<string | undefined> => (await it.server()).status?.url;

describe('an Ingress', () => {
  test('is there, and the URL is told once it has an address', async () => {
    const it = await newServer({ ingress: { className: 'nginx', annotations: { 'example.com/a': 'b' } } });
    const pending = await it.condition('Exposed', 'False', 'AddressPending');
    expect(pending.message).toContain(`Ingress ${it.namespace}/${CHILD} has no address yet`);
    expect(await url(it)).toBeUndefined();
    const { spec, metadata } = await it.child('Ingress', 'mcp');
    expect(metadata.annotations).toMatchObject({ 'example.com/a': 'b' });
    expect(spec).toMatchObject({
      ingressClassName: 'nginx',
      tls: [{ hosts: [hostOf(it)], secretName: `${NAME}-mcp-tls` }],
      rules: [
        { host: hostOf(it), http: { paths: [{ backend: { service: { name: CHILD, port: { name: 'https' } } } }] } },
      ],
    });
    await setAddress(it);
    expect((await it.condition('Exposed', 'True', 'IngressReady')).message).toContain('at 192.0.2.1');
    expect(await url(it)).toBe(`https://${hostOf(it)}/mcp`);
  }, 30_000);

  test('that ends TLS with its own certificate: the Pods speak plain HTTP, and no Certificate is asked for', async () => {
    const it = await newServer({ ingress: {} }, { tls: { termination: 'Edge' } });
    await setAddress(it);
    await it.runPods();
    await it.condition('CertificateReady', 'True', 'ProvidedByEdge');
    await it.condition('Ready', 'True');
    expect(await it.find('Certificate', `${NAME}-mcp-tls`)).toBeUndefined();
    expect((await it.child('Ingress', 'mcp')).spec?.['tls']).toEqual([{ hosts: [hostOf(it)] }]);
    const ports = [expect.objectContaining({ name: 'http', port: 80, targetPort: 'http', appProtocol: 'http' })];
    expect((await it.child('Service', 'mcp')).spec?.['ports']).toEqual(ports);
    const config = (await it.child('ConfigMap', 'mcp-config')).data?.['config.toml'];
    expect(config).toContain(`server_url = "https://${hostOf(it)}"`);
    expect(config).not.toContain('tls_cert');
  }, 30_000);

  test("of somebody else's is left alone", async () => {
    const it = await newCase(env);
    const theirs = { defaultBackend: { service: { name: 'other', port: { number: 80 } } } };
    await it.apply('Ingress', CHILD, { spec: theirs });
    await it.createSource();
    await it.createServer({ hostname: hostOf(it), exposure: { ingress: {} } });
    expect((await it.condition('Exposed', 'False', 'Conflict')).message).toContain(`Ingress ${it.namespace}/${CHILD}`);
    await it.createServer({ hostname: hostOf(it) });
    await it.condition('Exposed', 'True', 'ServiceReady');
    expect((await it.find('Ingress', CHILD))?.spec).toEqual(theirs);

    await it.createServer({ hostname: hostOf(it), exposure: { ingress: {} } });
    await it.condition('Exposed', 'False', 'Conflict');
    await it.remove('Ingress', CHILD);
    await it.condition('Exposed', 'False', 'AddressPending');
  }, 30_000);
});

describe('the Gateway API', () => {
  test('that is not installed, or in an old version, is a condition until it comes', async () => {
    const it = await newServer({ gateway: { parentRefs: [PARENT] } });
    const { message } = await it.condition('Exposed', 'False', 'KindNotInstalled');
    expect(message).toContain(
      'no tlsroutes.gateway.networking.k8s.io in version v1 (TLSRoute): install the Gateway API 1.5',
    );
    expect(await url(it)).toBeUndefined();

    const old = join(env.plane.dir, 'old-tlsroutes.yaml');
    await writeFile(old, withoutV1(await readFile(crds.tlsroutes, 'utf8')));
    await env.applyCRD(old);
    await env.applyCRD(crds.httproutes);
    await it.patch('KcpMcpServer', NAME, { metadata: { labels: { touched: 'yes' } } });
    await it.condition('Exposed', 'False', 'KindNotInstalled');

    await env.applyCRD(crds.tlsroutes);
    const pending = await it.condition('Exposed', 'False', 'RoutePending');
    expect(pending.message).toContain('Gateway gateways/public has not answered to TLSRoute');
    await env.applyCRD(crds.backendtlspolicies);
  }, 60_000);

  test('is believed: the URL is told once the gateway has taken the route up, and no longer', async () => {
    const it = await newServer({ gateway: { parentRefs: [PARENT] } });
    const { spec } = await it.child('TLSRoute', 'mcp');
    expect(spec).toMatchObject({ hostnames: [hostOf(it)], parentRefs: [PARENT_REF] });
    const reason = 'NotAllowedByListeners';
    await answer(it, 'TLSRoute', { type: 'Accepted', status: 'False', reason, message: 'not for you\u202e' });
    const { message } = await it.condition('Exposed', 'False', 'RouteNotAccepted');
    expect(message).toContain('Gateway gateways/public does not serve TLSRoute');
    expect(message).toContain('(NotAllowedByListeners: not for you). Let a listener of it allow routes');
    await it.condition('Ready', 'False');

    await answer(it, 'TLSRoute');
    await it.condition('Exposed', 'True', 'RouteAccepted');
    expect(await url(it)).toBe(`https://${hostOf(it)}/mcp`);
    await answer(it, 'TLSRoute', { type: 'ResolvedRefs', status: 'False', reason: 'BackendNotFound' });
    await it.condition('Exposed', 'False', 'RouteNotAccepted');
    expect(await url(it)).toBeUndefined();
  }, 30_000);

  test('refuses a route that makes no sense, in its own words', async () => {
    const it = await newServer({ gateway: { parentRefs: [PARENT, PARENT] } });
    const { message } = await it.condition('Exposed', 'False', 'Rejected');
    expect(message).toContain(`TLSRoute ${it.namespace}/${CHILD}`);
    expect(message).toContain('must be unique when parentRefs includes 2 or more references to the same parent');
    await it.condition('Stalled', 'True', 'Rejected');
  }, 30_000);

  test('speaks HTTPS to the Pods, and says whether it can check them', async () => {
    const gateway = { parentRefs: [PARENT], route: 'HTTP', backendCARef: { name: 'internal-ca' } };
    const it = await newServer({ gateway });
    await answer(it, 'HTTPRoute');
    await answer(it, 'BackendTLSPolicy', { type: 'ResolvedRefs', status: 'False', reason: 'InvalidCACertificateRef' });
    const { message } = await it.condition('Exposed', 'False', 'RouteNotAccepted');
    expect(message).toContain('Create the object that spec.exposure.gateway.backendCARef names');
    await answer(it, 'BackendTLSPolicy');
    await it.condition('Exposed', 'True', 'RouteAccepted');
  }, 30_000);
});

test('a change of the way prunes what is no longer wanted', async () => {
  const it = await newServer({ ingress: {} });
  const gateway = { parentRefs: [PARENT] };
  const exposures: [object, ...string[]][] = [
    [{ ingress: {} }, 'Ingress'],
    [{ gateway }, 'TLSRoute'],
    [{ gateway: { ...gateway, route: 'HTTP' } }, 'HTTPRoute', 'BackendTLSPolicy'],
    [{ ingress: {} }, 'Ingress'],
    [{}],
  ];
  for (const [exposure, ...kinds] of exposures) {
    await it.createServer({ hostname: hostOf(it), exposure });
    await exposedBy(it, ...kinds);
  }
  await it.condition('Exposed', 'True', 'ServiceReady');
}, 30_000);

describe('a host name that is exposed already', () => {
  const exposure = { ingress: { className: 'nginx' } };

  test('is refused by the name of the other, and free when that goes', async () => {
    const first = await newServer(exposure);
    await setAddress(first);
    await first.condition('Exposed', 'True');
    const second = await newServer(exposure, { hostname: hostOf(first) });
    const { message } = await second.condition('Exposed', 'False', 'HostnameTaken');
    expect(message).toContain(
      `host name ${hostOf(first)} is exposed by KcpMcpServer ${first.namespace}/${NAME} already`,
    );
    expect(await url(second)).toBeUndefined();
    expect(await second.find('Ingress', CHILD)).toBeUndefined();

    await first.remove('KcpMcpServer', NAME);
    await second.condition('Exposed', 'False', 'AddressPending');
    await second.child('Ingress', 'mcp');
  }, 30_000);

  test('can not be taken over by a resource that is older', async () => {
    const old = await newServer(exposure);
    await old.child('Ingress', 'mcp');
    const serving = await newServer(exposure);
    await setAddress(serving);
    await serving.condition('Exposed', 'True');

    await old.createServer({ hostname: hostOf(serving), exposure });
    await old.condition('Exposed', 'False', 'HostnameTaken');
    // What it served is gone: its Pods don't answer to that name any more.
    await exposedBy(old);
    await serving.condition('Exposed', 'True');
    await exposedBy(serving, 'Ingress');

    await serving.createServer({ hostname: hostOf(serving) });
    await old.condition('Exposed', 'False', 'AddressPending');
  }, 30_000);
});

test('the policy of the documentation ties host names to namespaces', async () => {
  const it = await newCase(env);
  const docs = await readFile(join(repoRoot, 'docs/operator.md'), 'utf8');
  const policy = join(env.plane.dir, 'policy.yaml');
  const block = /```yaml\n([^`]*kind: ValidatingAdmissionPolicy\n[^`]*)```/.exec(docs)?.[1] ?? '';
  await writeFile(policy, block);
  await env.kubectl('apply', '-f', policy);
  try {
    const create = (hostname: string, spec: object = {}) => it.createServer({ hostname, ...spec });
    // The API server takes a policy up a moment later.
    const refused = () => create('mcp.example.com').then(() => undefined, String);
    expect(await waitFor('a refusal', refused, SOON)).toContain('must end with .NAMESPACE.example.com');
    const own = `mcp.${it.namespace}.example.com`;
    await create(own);
    const tls = { issuerRef: { name: 'ca' }, dnsNames: ['mcp.example.com'] };
    await expect(create(own, { externalURL: 'https://mcp.example.com', tls })).rejects.toThrow(
      'must be at the host name',
    );
  } finally {
    await env.kubectl('delete', '-f', policy);
  }
}, 30_000);

/** The CRD as it was before v1. */
function withoutV1(crd: string): string {
  const [head = '', ...versions] = crd.split(/^(?= {4}name: v1)/m);
  return (
    head +
    versions
      .map((text) =>
        text.replace(/^( {4}served: ).*$/m, (_, key: string) => `${key}${!text.startsWith('    name: v1\n')}`),
      )
      .join('')
  );
}
