// What a kustomization of config/ holds, read without kustomize: `npm run generate` needs nothing but Node. That both find
// the same is tested with a real kubectl (helm.api.test.ts).
import { readFileSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { parse, parseAllDocuments, type Document } from 'yaml';

export interface ManifestFile {
  /** Folder and file without its ending: `rbac-role`. */
  name: string;
  /** Comments are part of them. */
  documents: Document[];
}

interface Kustomization {
  resources?: string[];
}

/** The files that make up a kustomization's resources, in its order. */
export function manifestFiles(folder: string): ManifestFile[] {
  const { resources = [] } = parse(readFileSync(join(folder, 'kustomization.yaml'), 'utf8')) as Kustomization;
  return resources.flatMap((resource) => {
    const path = join(folder, resource);
    if (statSync(path).isDirectory()) return manifestFiles(path);
    const name = `${basename(dirname(path))}-${basename(path, '.yaml')}`;
    return [{ name, documents: [...parseAllDocuments(readFileSync(path, 'utf8'))] as Document[] }];
  });
}
