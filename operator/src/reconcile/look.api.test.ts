// What a person at kubectl meets: the table, waiting, scaling, and the commands that messages tell, in whatever state the
// RBAC objects are.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { waitFor } from '../../../e2e/lib/wait.ts';
import { grantCommand, granteeOf, OWN_VERBS, READ_VERBS } from './grant.ts';
import { newCase } from './testing/case.ts';
import { OPERATOR_NAMESPACE, CRDS, startEnvironment, type Environment } from './testing/environment.ts';

let env: Environment;

beforeAll(async () => {
  env = await startEnvironment([CRDS.ours]);
}, 600_000);

afterAll(() => env.stop());

const SOON = { deadlineMs: 10_000, intervalMs: 50 };
const OPERATOR = `system:serviceaccount:${OPERATOR_NAMESPACE}:kcp-mcp-operator`;

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
