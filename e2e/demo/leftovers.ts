// What a removed demo left on the machine; nothing, if all is well.
import { existsSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { readFile } from 'node:fs/promises';
import { sep } from 'node:path';
import { addressesOf } from '../cluster/addresses.ts';
import { processesWithEnvironment } from '../lib/identity.ts';
import { RUN_DIR_VARIABLE } from '../lib/process.ts';

/** Each thing that is still there after `down(dir)`: processes, network interface, mounts, files. */
export async function leftovers(dir: string, instance: number): Promise<string[]> {
  const below = (path: string): boolean => path === dir || path.startsWith(dir + sep);
  const mounts = (await readFile('/proc/self/mounts', 'utf8')).split('\n').map((line) => line.split(' ')[1] ?? '');
  const { linkName } = addressesOf(instance);
  return [
    ...processesWithEnvironment(RUN_DIR_VARIABLE, below).map(({ pid }) => `process ${pid}`),
    ...(linkName in networkInterfaces() ? [`interface ${linkName}`] : []),
    ...mounts.filter(below).map((mount) => `mount ${mount}`),
    ...(existsSync(dir) ? [`folder ${dir}`] : []),
  ];
}
