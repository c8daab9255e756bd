// What a person at kubectl meets: the table, waiting, scaling, and the commands that messages tell, in whatever state the
// RBAC objects are.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { waitFor } from '../../../e2e/lib/wait.ts';
import { grantCommand, granteeOf, OWN_VERBS, READ_VERBS } from './grant.ts';
import { NAME, newCase, type Case } from './testing/case.ts';
import {
  certManagerCRDs,
  OPERATOR_NAMESPACE,
  CRDS,
  startEnvironment,
  type Environment,
} from './testing/environment.ts';

let env: Environment;

beforeAll(async () => {
  env = await startEnvironment([CRDS.ours, CRDS.kubeconfigs, await certManagerCRDs()]);
}, 600_000);

afterAll(() => env.stop());

const SOON = { deadlineMs: 10_000, intervalMs: 50 };
const OPERATOR = `system:serviceaccount:${OPERATOR_NAMESPACE}:kcp-mcp-operator`;

describe('a KcpMcpServer', () => {
  let it: Case;
  const kubectl = (...args: string[]) => env.kubectl('-n', it.namespace, ...args);
  beforeAll(async () => {
    await env.startOperator();
    it = await newCase(env);
    await it.becomeReady();
  }, 60_000);

  /** Header and row of `kubectl get`, each column at the place that its name has. */
  const table = async (...flags: string[]): Promise<Record<string, string>> => {
    const [header = '', row = ''] = (await kubectl('get', 'kcpmcp', ...flags)).split('\n');
    const names = [...header.matchAll(/\S+/g)];
    return Object.fromEntries(
      names.map(({ 0: name, index }, at) => [name, row.slice(index, names[at + 1]?.index).trim()]),
    );
  };

  test('is shown with whether it is ready, where it is, how many Pods, and how old', async () => {
    expect(await table()).toEqual({
      NAME,
      READY: 'True',
      URL: 'https://mcp.vespucci.example.com/mcp',
      REPLICAS: '1',
      AGE: expect.stringMatching(/^\d+[sm]/),
    });
  });

  test('is shown with -o wide with its issuer, kcp, the end of its certificate, and why', async () => {
    const { NAME: _, READY: __, URL: ___, REPLICAS: ____, AGE: _____, ...wide } = await table('-o', 'wide');
    expect(wide).toEqual({
      ISSUER: 'https://auth.example.com',
      KCP: 'https://kcp.example.com:6443',
      'CERT-EXPIRY': '2036-01-01T00:00:00Z',
      REASON: 'Succeeded',
    });
  });

  test('is waited for', async () => {
    const waiting = kubectl('wait', '--for=condition=Ready', `kcpmcp/${NAME}`, '--timeout=10s');
    expect(await waiting).toContain('condition met');
    const stalled = kubectl('wait', '--for=condition=Stalled', `kcpmcp/${NAME}`, '--timeout=1s');
    await expect(stalled).rejects.toThrow(/timed out/);
  });

  test('is scaled, whether or not the number was said before', async () => {
    const replicas = async () => (await it.find('Deployment', `${NAME}-mcp`))?.spec?.['replicas'];
    for (const count of [3, 2]) {
      await kubectl('scale', `kcpmcp/${NAME}`, `--replicas=${count}`);
      await waitFor(`${count} replicas`, async () => (await replicas()) === count, SOON);
    }
    const scale = (await env.api.request(`${it.path('KcpMcpServer', NAME)}/scale`)) as object;
    expect(scale).toMatchObject({
      spec: { replicas: 2 },
      status: { replicas: 1, selector: `app.kubernetes.io/name=kcp-mcp-server,app.kubernetes.io/instance=${NAME}` },
    });
  });
});

describe('the command that grants', () => {
  const SECRET = 'vespucci-mcp-kubeconfig';
  const ROLE = `kcp-mcp-operator-${SECRET}`;
  const subject = `--serviceaccount=${OPERATOR_NAMESPACE}:kcp-mcp-operator`;
  const kubectl = (...args: string[]) => env.kubectl(...args);

  const may = async (namespace: string, verb: string, secret: string, user: string): Promise<boolean> =>
    (await kubectl('auth', 'can-i', verb, `secrets/${secret}`, '-n', namespace, '--as', user).catch(() => 'no')).startsWith('yes'); // prettier-ignore

  const createRole = (namespace: string, verbs: string) =>
    kubectl(...['-n', namespace, 'create', 'role', ROLE, `--verb=${verbs}`, '--resource=secrets', `--resource-name=${SECRET}`]); // prettier-ignore

  test.each<[string, (namespace: string) => Promise<unknown>]>([
    ['nothing is there', () => Promise.resolve()],
    ['the Role is there, and bound to nobody', (namespace) => createRole(namespace, 'get,watch,create,patch')],
    [
      'the Role lacks verbs',
      async (namespace) => {
        await createRole(namespace, 'get,watch');
        await kubectl('-n', namespace, 'create', 'rolebinding', ROLE, `--role=${ROLE}`, subject);
      },
    ],
    [
      'there is a RoleBinding of that name for somebody else, and no Role',
      (namespace) => kubectl('-n', namespace, 'create', 'rolebinding', ROLE, `--role=${ROLE}`, '--user=jane'),
    ],
    [
      'there is a RoleBinding of that name to another role',
      (namespace) => kubectl('-n', namespace, 'create', 'rolebinding', ROLE, '--clusterrole=view', subject),
    ],
    [
      'it was applied from a file',
      (namespace) =>
        env.shell(`kubectl -n ${namespace} create role ${ROLE} --verb=get --resource=secrets --resource-name=other --dry-run=client -o yaml | kubectl apply -f -`), // prettier-ignore
    ],
  ])(
    'works where %s, and once more',
    async (_, arrange) => {
      const { namespace } = await newCase(env, { roles: false });
      await arrange(namespace);
      const command = grantCommand({
        resource: 'secrets',
        key: { namespace, name: SECRET },
        verbs: OWN_VERBS,
        grantee: granteeOf(OPERATOR),
      });
      await env.shell(command);
      for (const verb of OWN_VERBS) {
        await waitFor(`the right to ${verb}`, () => may(namespace, verb, SECRET, OPERATOR), SOON);
      }
      expect(await may(namespace, 'get', 'another', OPERATOR)).toBe(false);
      await env.shell(command);
    },
    60_000,
  );

  test('takes a user name as it is, whatever a shell would make of it', async () => {
    const { namespace } = await newCase(env, { roles: false });
    const user = "O'Brien $(exit 3) `exit 4`; exit 5";
    const key = { namespace, name: SECRET };
    await env.shell(grantCommand({ resource: 'secrets', key, verbs: READ_VERBS, grantee: granteeOf(user) }));
    await waitFor('the right', () => may(namespace, 'get', SECRET, user), SOON);
  }, 60_000);
});
