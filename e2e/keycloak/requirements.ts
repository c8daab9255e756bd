import { spawnSync } from 'node:child_process';

const OLDEST_JAVA = 17;

/** What this machine lacks for a Keycloak, each with what to do about it; empty when one can run here. */
export function keycloakRequirements(): string[] {
  const missing: string[] = [];
  const java = javaVersion(output('java', '-XX:-UsePerfData', '-version'));
  if (java === undefined) {
    missing.push(`Java is missing: install ${OLDEST_JAVA} or later (Debian: apt-get install openjdk-17-jre-headless)`);
  } else if (java < OLDEST_JAVA) {
    missing.push(`Java ${java} is too old: Keycloak needs ${OLDEST_JAVA} or later first on the PATH`);
  }
  if (output('mvn', '--version') === undefined) {
    missing.push('Maven, which fetches Keycloak, is missing: install it (Debian: apt-get install maven)');
  }
  if (output('openssl', 'version') === undefined) {
    missing.push('the program openssl is missing: install the package openssl');
  }
  return missing;
}

/** What a program says of its version, on whichever stream; undefined when it can't be run. */
function output(program: string, ...args: string[]): string | undefined {
  // Java leaves files in the folder for temporary files otherwise.
  const env = { ...process.env, MAVEN_OPTS: `${process.env['MAVEN_OPTS'] ?? ''} -XX:-UsePerfData` };
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8', timeout: 20_000, env });
  return status === 0 ? stdout + stderr : undefined;
}

/** The feature release in what `java -version` says: 17 of `openjdk version "17.0.15"`, 8 of `java version "1.8.0_392"`. */
export function javaVersion(said: string | undefined): number | undefined {
  const [, first, second] = /version "(\d+)(?:\.(\d+))?/.exec(said ?? '') ?? [];
  if (first === undefined) return undefined;
  return Number(first === '1' && second !== undefined ? second : first);
}
