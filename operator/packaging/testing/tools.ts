/** kubectl and helm on a test's API server, and the CRDs of others. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { parseAllDocuments, stringify } from 'yaml';
import { ensureBinaries, moduleFolder } from '../../../e2e/cluster/toolchain.ts';
import { repoRoot } from '../../../e2e/lib/cache.ts';
import { execute, type Output } from '../../../e2e/lib/execute.ts';

export interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: {
    name: string;
    namespace?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    generation?: number;
  };
  spec?: Record<string, unknown>;
  [field: string]: unknown;
}

export const manifests = (yaml: string): Manifest[] =>
  parseAllDocuments(yaml)
    .map((document) => document.toJS() as Manifest | null)
    .filter((manifest) => manifest !== null);

/** A program that must succeed; its standard output. */
export type Tool = (args: readonly string[], input?: string) => Promise<string>;

export async function tools(kubeconfig: string, dir: string): Promise<{ kubectl: Tool; helm: Tool }> {
  const binaries = await ensureBinaries(['kubectl', 'helm']);
  const env = {
    KUBECONFIG: kubeconfig,
    HELM_CACHE_HOME: join(dir, 'helm/cache'),
    HELM_CONFIG_HOME: join(dir, 'helm/config'),
    HELM_DATA_HOME: join(dir, 'helm/data'),
  };
  const tool =
    (program: string): Tool =>
    async (args, input = '') => {
      const output = await execute(program, args, { env, input });
      return succeeded(args, output);
    };
  return { kubectl: tool(binaries.kubectl), helm: tool(binaries.helm) };
}

function succeeded(args: readonly string[], { code, stdout, stderr }: Output): string {
  if (code !== 0) throw new Error(`${args.join(' ')}: exit code ${code}\n${stdout}${stderr}`);
  return stdout;
}

/** Objects of a kustomization in the repository. */
export const kustomize = async (kubectl: Tool, folder: string): Promise<Manifest[]> =>
  manifests(await kubectl(['kustomize', join(repoRoot, folder)]));

/** An overlay of config/default, as a person would write it; removed after `work`. */
export async function withOverlay<T>(fields: object, work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(repoRoot, '.testing/overlay-'));
  const kustomization = {
    apiVersion: 'kustomize.config.k8s.io/v1beta1',
    kind: 'Kustomization',
    resources: [relative(folder, join(repoRoot, 'config/default'))],
    ...fields,
  };
  try {
    await writeFile(join(folder, 'kustomization.yaml'), stringify(kustomization));
    return await work(relative(repoRoot, folder));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Files with the CRDs of Argo CD, Flux and the Prometheus operator, from their own Go modules. */
export async function crdsOfOthers(): Promise<string[]> {
  const files = {
    'github.com/argoproj/argo-cd/v3': 'manifests/crds/application-crd.yaml',
    'github.com/fluxcd/kustomize-controller': 'config/crd/bases/kustomize.toolkit.fluxcd.io_kustomizations.yaml',
    'github.com/fluxcd/source-controller': 'config/crd/bases/source.toolkit.fluxcd.io_gitrepositories.yaml',
    'github.com/prometheus-operator/prometheus-operator':
      'example/prometheus-operator-crd/monitoring.coreos.com_servicemonitors.yaml',
  };
  return Promise.all(
    Object.entries(files).map(async ([module, file]) => join(await moduleFolder('crds', module), file)),
  );
}
