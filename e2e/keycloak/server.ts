import { cp, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startProcess } from '../lib/process.ts';
import type { StartedProcess } from '../lib/process.ts';
import { answers } from '../oidc/http.ts';
import type { TLSFiles } from '../oidc/tls-files.ts';
import { javaOptions } from './distribution.ts';

export interface KeycloakOptions {
  /** Run folder; Keycloak's own files go into `DIR/keycloak`. */
  dir: string;
  /** A built distribution; left as it is. */
  distribution: string;
  port: number;
  tls: TLSFiles;
  /** Realm files by name of the realm. */
  realms: Record<string, object>;
}

/**
 * Starts Keycloak on `https://localhost:PORT`, loopback only, with a database in memory that holds the realms.
 *
 * @throws when it doesn't come up; the message holds the end of its log
 */
export async function startKeycloak(options: KeycloakOptions): Promise<StartedProcess> {
  const { dir, port, tls, realms } = options;
  const home = await makeHome(join(dir, 'keycloak'), options.distribution);
  for (const [name, realm] of Object.entries(realms)) {
    await writeFile(join(home, 'data/import', `${name}-realm.json`), JSON.stringify(realm), { mode: 0o600 });
  }
  const url = `https://localhost:${port}`;
  const [first = ''] = Object.keys(realms);
  return startProcess({
    dir,
    name: 'keycloak',
    command: 'sh',
    args: [
      join(home, 'bin/kc.sh'),
      ...['start', '--optimized', '--import-realm', '--cache=local'],
      ...['--http-enabled=false', '--http-host=127.0.0.1', `--https-port=${port}`, `--hostname=${url}`],
      ...[`--https-certificate-file=${tls.certFile}`, `--https-certificate-key-file=${tls.keyFile}`],
    ],
    env: { JAVA_OPTS: javaOptions(join(home, 'tmp')) },
    ready: () => answers(tls.caFile, `${url}/realms/${first}/.well-known/openid-configuration`),
    // 17 s on an idle machine of two cores.
    deadlineMs: 300_000,
  });
}

/** A home of its own over a distribution, which it would write to: what is written is copied, what is only read is linked. */
async function makeHome(home: string, distribution: string): Promise<string> {
  await mkdir(join(home, 'lib'), { recursive: true });
  await mkdir(join(home, 'data/import'), { recursive: true });
  await mkdir(join(home, 'tmp'), { recursive: true });
  for (const part of ['bin', 'conf', 'lib/app', 'lib/quarkus', 'lib/quarkus-run.jar']) {
    await cp(join(distribution, part), join(home, part), { recursive: true });
  }
  for (const part of ['lib/lib', 'providers', 'themes']) await symlink(join(distribution, part), join(home, part));
  return home;
}
