import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { findCredentials } from './credentials.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'credentials-'));
});
afterEach(() => rm(dir, { recursive: true }));

const file = async (name: string, content: string): Promise<string> => {
  const path = join(dir, name);
  await mkdir(join(path, '..'), { recursive: true });
  await writeFile(path, content);
  return path;
};
const base64 = (text: string): string => Buffer.from(text).toString('base64');
const config = (cluster: string, user: string, extra = ''): string => `
current-context: main
clusters: [{name: c, cluster: ${cluster}}]
users: [{name: u, user: ${user}}]
contexts: [{name: main, context: {cluster: c, user: u, namespace: ns}}]
${extra}`;
const read = async (kubeconfig: string, context?: string): Promise<unknown> =>
  (await findCredentials({ kubeconfig, context, env: {} })).read();

test('inline data and files, relative to the kubeconfig', async () => {
  await file('pki/ca.crt', 'CA');
  await file('pki/key', 'KEY');
  const path = await file(
    'kubeconfig',
    config(
      `{server: 'https://a:6443/', certificate-authority: pki/ca.crt, tls-server-name: b}`,
      `{client-certificate-data: ${base64('CERT')}, client-key: pki/key, as: someone}`,
    ),
  );
  expect(await read(path)).toEqual({
    server: 'https://a:6443',
    ca: 'CA',
    cert: 'CERT',
    key: 'KEY',
    servername: 'b',
    insecure: false,
    headers: { 'impersonate-user': 'someone' },
    namespace: 'ns',
  });
});

test('token, token file, basic', async () => {
  const token = await file('token', 'from-file\n');
  const cases = [
    [`{token: abc}`, 'Bearer abc'],
    [`{tokenFile: ${token}, token: old}`, 'Bearer from-file'],
    [`{username: me, password: secret}`, `Basic ${base64('me:secret')}`],
  ] as const;
  for (const [user, authorization] of cases) {
    const path = await file('kubeconfig', config(`{server: 'https://a'}`, user));
    expect(await read(path)).toMatchObject({ headers: { authorization } });
  }
});

test('several files of KUBECONFIG: the first that names something wins', async () => {
  const one = await file('one', config(`{server: 'https://one'}`, '{token: a}'));
  const two = await file(
    'two/config',
    config(`{server: 'https://two'}`, '{token: b}').replace('name: main', 'name: second'),
  );
  const env = { KUBECONFIG: [one, join(dir, 'none'), two].join(':') };
  const source = await findCredentials({ env });
  expect(await source.read()).toMatchObject({ server: 'https://one', headers: { authorization: 'Bearer a' } });
  const second = await findCredentials({ env, context: 'second' });
  expect(await second.read()).toMatchObject({ server: 'https://one' });
});

test('~/.kube/config, then the service account, then a message that names all three', async () => {
  const inPod = { HOME: dir, KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '443' };
  await file('sa/token', 'pod-token');
  await file('sa/ca.crt', 'CA');
  await file('sa/namespace', 'operators\n');
  const options = { env: inPod, serviceAccountDir: join(dir, 'sa') };
  expect(await (await findCredentials(options)).read()).toEqual({
    server: 'https://[fd00::1]:443',
    ca: 'CA',
    headers: { authorization: 'Bearer pod-token' },
    namespace: 'operators',
  });
  await file('.kube/config', config(`{server: 'https://home'}`, '{token: a}'));
  expect(await (await findCredentials(options)).read()).toMatchObject({ server: 'https://home' });
  await expect(findCredentials({ env: { HOME: join(dir, 'sa') } })).rejects.toThrow(
    /--kubeconfig, KUBECONFIG, ~\/\.kube\/config.*Pod/,
  );
});

test('an exec plugin is asked by client-node', async () => {
  const credential = {
    apiVersion: 'client.authentication.k8s.io/v1',
    kind: 'ExecCredential',
    status: { token: 'plugin-token' },
  };
  const plugin = await file('plugin.sh', `cat <<'END'\n${JSON.stringify(credential)}\nEND\n`);
  const user = `{exec: {apiVersion: client.authentication.k8s.io/v1, command: sh, args: [${plugin}], interactiveMode: Never}}`;
  const path = await file('kubeconfig', config(`{server: 'https://a'}`, user));
  expect(await read(path)).toMatchObject({ headers: { authorization: 'Bearer plugin-token' } });
}, 30_000);

test.each([
  ['a missing file', undefined, /can't read .*kubeconfig: ENOENT/],
  ['YAML that is none', 'token: [hunter2', /is not a kubeconfig/],
  ['no server', config('{}', '{token: hunter2}'), /"server" is not an http\(s\) URL/],
  ['a server of another kind', config(`{server: 'ftp://a'}`, '{token: hunter2}'), /"server" is not an http\(s\) URL/],
  [
    'a proxy',
    config(`{server: 'https://a', proxy-url: 'http://p'}`, '{token: hunter2}'),
    /"proxy-url" is not supported/,
  ],
  ['a token that can not be one', config(`{server: 'https://a'}`, '{token: "hunter2\\nx"}'), /holds no valid token/],
  [
    'a token that is not text',
    config(`{server: 'https://a'}`, '{token: {hunter2: 1}}'),
    /"token" of the user is not a string/,
  ],
  [
    'no current context',
    config(`{server: 'https://a'}`, '{}').replace('current-context: main', ''),
    /has no current-context/,
  ],
  [
    'another context',
    config(`{server: 'https://a'}`, '{}').replace('current-context: main', 'current-context: x'),
    /has no context "x"/,
  ],
])('%s is refused with what is wrong and no secret', async (_, content, message) => {
  const path = content === undefined ? join(dir, 'kubeconfig') : await file('kubeconfig', content);
  const error = await read(path).then(
    () => undefined,
    (caught: unknown) => caught as Error,
  );
  expect(error?.name).toBe('CredentialsError');
  expect(error?.message).toMatch(message);
  expect(String(error?.stack)).not.toContain('hunter2');
});
