import { readdir, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join } from 'node:path';

const DEFAULT_FOLDER = 'conf.d';

/**
 * Where drop-in files lie, as upstream has it: a relative folder is meant from the main file's on, and without a word
 * it is `conf.d` there.
 *
 * @param file the main file; undefined where there are drop-ins only, and a relative folder is meant from the working directory on
 */
export function dropInFolder(file: string | undefined, folder: string = DEFAULT_FOLDER): string {
  return file === undefined || isAbsolute(folder) ? folder : join(dirname(file), folder);
}

/**
 * The drop-in files of a folder in the order in which they count: `*.toml`, but no folders and nothing hidden (kubelet's
 * `..data` among it). A folder that isn't there has none.
 *
 * @throws what the file system says, when the folder can't be read.
 */
export async function listDropIns(folder: string): Promise<string[]> {
  let names: string[];
  try {
    names = await readdir(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  const paths = names
    .filter((name) => name.endsWith('.toml') && !name.startsWith('.'))
    .sort()
    .map((name) => join(folder, name));
  const folders = await Promise.all(paths.map(isFolder));
  return paths.filter((_, index) => folders[index] !== true);
}

/** Looks through links. One that leads nowhere is a file, so that whoever reads it says so. */
async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return false;
  }
}
