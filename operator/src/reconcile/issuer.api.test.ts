// OIDCReady and KcpReachable with a real issuer and kcp (https servers of this process), on a real API server.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { waitFor } from '../../../e2e/lib/wait.ts';
import { createIssuerCheck } from '../outbound/issuer.ts';
import { createKcpProbe, type ProbeKcp } from '../outbound/kcp.ts';
import { beIssuer, startHttpsServer, type HttpsServer } from '../outbound/testing/https-server.ts';
import { NAME, newCase, type Case } from './testing/case.ts';
import {
  certManagerCRDs,
  CRDS,
  startEnvironment,
  type Environment,
  type RunningOperator,
} from './testing/environment.ts';

const HOST = 'idp.example.com';
const SOON = { deadlineMs: 15_000, intervalMs: 20 };
const checkIssuer = createIssuerCheck({ allowLocal: true });
const realProbe = createKcpProbe({ allowLocal: true });
/** Those that a test doesn't name are no business of the network. */
const probeKcp: ProbeKcp = (question, signal) =>
  question.server.includes(HOST) ? realProbe(question, signal) : Promise.resolve({ outcome: 'answers' });

let env: Environment;
let operator: RunningOperator;
let idp: HttpsServer;
let issuer: string;

beforeAll(async () => {
  idp = await startHttpsServer([HOST]);
  issuer = `https://${HOST}:${idp.port}/realms/kcp`;
  beIssuer(idp, issuer);
  env = await startEnvironment([CRDS.ours, CRDS.kubeconfigs, await certManagerCRDs()]);
  operator = await env.startOperator({ checkIssuer, probeKcp });
}, 600_000);

afterAll(async () => {
  await env.stop();
  await idp.close();
});

/** The issuer is found as the Pods would find it, and trusted by the ConfigMap `idp-ca`. */
const specOf = (issuerURL: string) => ({
  auth: { oidc: { issuerURL, audience: 'kcp', caRef: { name: 'idp-ca' } } },
  deployment: { hostAliases: [{ ip: '127.0.0.1', hostnames: [HOST] }] },
});

async function trusting(ca: string): Promise<Case> {
  const it = await newCase(env);
  await it.apply('ConfigMap', 'idp-ca', { data: { 'ca.crt': ca } });
  await it.createSource();
  return it;
}

async function becomeReady(it: Case): Promise<void> {
  await it.createServer(specOf(issuer));
  await it.issueCertificate();
  await it.runPods();
  await it.condition('Ready', 'True');
}

test('one issuer of several KcpMcpServers is asked once, and what it says is in the status', async () => {
  const all = await Promise.all([1, 2, 3].map(() => trusting(idp.ca)));
  idp.requests.length = 0;
  for (const it of all) await it.createServer(specOf(issuer));
  for (const it of all) {
    await it.condition('OIDCReady', 'True', 'IssuerVerified');
    expect((await it.server()).status?.oidc).toEqual({ issuer, audience: 'kcp', registersClients: true });
  }
  expect(idp.requests).toEqual(['/realms/kcp/.well-known/openid-configuration', '/realms/kcp/jwks']);
});

test('a CA that isn’t the issuer’s is told, and over when the ConfigMap is corrected', async () => {
  const other = await startHttpsServer([HOST]);
  await other.close();
  const it = await trusting(other.ca);
  await it.createServer(specOf(issuer));
  const { message } = await it.condition('OIDCReady', 'False', 'IssuerUnreachable');
  expect(message).toContain('is not trusted');
  expect(message).toContain('ConfigMap idp-ca');
  await it.condition('Ready', 'False', 'IssuerUnreachable');
  // Whether the Pods reach it is theirs to find out.
  await it.child('Deployment', 'mcp');
  await it.apply('ConfigMap', 'idp-ca', { data: { 'ca.crt': idp.ca } });
  await it.condition('OIDCReady', 'True', 'IssuerVerified');
});

test('a slash too many: both names are told, and the one that the message tells is right', async () => {
  const it = await trusting(idp.ca);
  await it.createServer(specOf(`${issuer}/`));
  const { message } = await it.condition('OIDCReady', 'False', 'IssuerMismatch');
  expect(message).toContain(`${issuer}/,`);
  expect(message).toContain('slash at the end');
  const [, named = ''] = /names itself (\S+):/.exec(message) ?? [];
  await it.createServer(specOf(named));
  await it.condition('OIDCReady', 'True', 'IssuerVerified');
});

test('an issuer that registers no clients doesn’t keep from being Ready; an Event says it, once', async () => {
  const plain = `https://${HOST}:${idp.port}/plain`;
  beIssuer(idp, plain, { registration_endpoint: undefined });
  const it = await trusting(idp.ca);
  await it.createServer(specOf(plain));
  await it.issueCertificate();
  await it.runPods();
  await it.condition('OIDCReady', 'True', 'NoClientRegistration');
  await it.condition('Ready', 'True');
  expect((await it.server()).status?.oidc).toMatchObject({ registersClients: false });
  await it.remove('Service', `${NAME}-mcp`);
  await it.child('Service', 'mcp');
  const told = async () => (await it.events()).filter(({ reason }) => reason === 'NoClientRegistration');
  const succeeded = async () => (await it.events()).some(({ reason }) => reason === 'Succeeded');
  await waitFor('the events', async () => (await told()).length > 0 && (await succeeded()), SOON);
  expect(await told()).toEqual([
    expect.objectContaining({ type: 'Warning', note: expect.stringContaining('RFC 7591') }),
  ]);
});

test('a kcp that doesn’t answer is told, also by an Event, and Ready doesn’t depend on it', async () => {
  const it = await trusting(idp.ca);
  await it.writeSourceSecret(await it.kubeconfig({ server: `https://${HOST}:1/clusters/root` }));
  await becomeReady(it);
  const { message } = await it.condition('KcpReachable', 'False', 'KcpUnreachable');
  expect(message).toContain(`kcp at https://${HOST}:1: ${HOST}:1 refuses connections`);
  await it.condition('Ready', 'True', 'Succeeded');
  const event = async () => (await it.events()).find(({ reason }) => reason === 'KcpUnreachable');
  expect(await waitFor('the event', event, SOON)).toMatchObject({ type: 'Warning', note: message });

  // With a CA that isn't kcp's, and then with the right one.
  const server = `https://${HOST}:${idp.port}/clusters/root`;
  await it.writeSourceSecret(await it.kubeconfig({ server }));
  const untrusted = async () => (await it.condition('KcpReachable', 'False')).message.includes('is not trusted');
  await waitFor('the certificate to be refused', untrusted, SOON);
  const cluster = { 'certificate-authority-data': Buffer.from(idp.ca).toString('base64') };
  await it.writeSourceSecret(await it.kubeconfig({ server, cluster }));
  await it.condition('KcpReachable', 'True', 'KcpAnswers');
}, 60_000);

test('an issuer that goes away takes nothing down: Ready stays True, the Deployment as it is', async () => {
  const it = await trusting(idp.ca);
  await becomeReady(it);
  const { metadata } = await it.child('Deployment', 'mcp');
  const { lastTransitionTime } = await it.condition('Ready', 'True');
  const port = idp.port;
  await idp.close();
  try {
    await operator.stop();
    operator = await env.startOperator({ checkIssuer });
    const { message } = await it.condition('OIDCReady', 'Unknown', 'IssuerUnreachable');
    expect(message).toContain(`${HOST}:${port} refuses connections`);
    expect(message).toContain('The Pods have its keys');
    expect((await it.condition('Ready', 'True')).lastTransitionTime).toBe(lastTransitionTime);
    expect((await it.child('Deployment', 'mcp')).metadata.resourceVersion).toBe(metadata.resourceVersion);

    // Neither a new operator nor its new question writes anything as long as the answer is the same.
    const { resourceVersion } = (await it.server()).metadata;
    await operator.stop();
    let asked = 0;
    operator = await env.startOperator({
      checkIssuer: async (question, signal) => {
        const answer = await checkIssuer(question, signal);
        asked += 1;
        return answer;
      },
    });
    const own = async () => (await reconciles(operator)) > 0 && asked > 0;
    await waitFor('the issuer to be asked again', own, SOON);
    await it.remove('Service', `${NAME}-mcp`);
    await it.child('Service', 'mcp');
    expect((await it.server()).metadata.resourceVersion).toBe(resourceVersion);
  } finally {
    idp = await startHttpsServer([HOST]);
  }
}, 60_000);

async function reconciles(of: RunningOperator): Promise<number> {
  const lines = (await of.metrics.text()).matchAll(/^kcp_mcp_operator_reconcile_total\{.*\} (\d+)$/gm);
  return [...lines].reduce((sum, [, count]) => sum + Number(count), 0);
}
