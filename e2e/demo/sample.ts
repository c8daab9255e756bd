// The objects that stand for a user's environment: what kcp-operator would have made, and the edited samples.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { parse, stringify } from 'yaml';
import { repoRoot } from '../lib/cache.ts';

export const SERVER = { namespace: 'kcp-mcp', name: 'vespucci' } as const;
export const SOURCE = { namespace: 'kcp-vespucci', name: 'kcp-mcp-kubeconfig' } as const;
/** ConfigMap with the issuer's CA, which `spec.auth.oidc.caRef` names. */
const CA_CONFIG_MAP = 'oidc-ca';

interface Kubeconfig {
  clusters: { name: string; cluster: { server: string; 'certificate-authority-data': string } }[];
  users: { name: string; user: Record<string, string> }[];
}

/**
 * The Secret that kcp-operator writes for a `Kubeconfig`: contexts `default` (with the workspace's path) and `base`,
 * one user with inline client certificate and key. The credentials are real, so that a copy of them would show.
 */
export async function sourceSecret(adminKubeconfig: string, kcpURL: string): Promise<object> {
  const admin = parse(await readFile(adminKubeconfig, 'utf8')) as Kubeconfig;
  const ca = admin.clusters[0]?.cluster['certificate-authority-data'] ?? '';
  const cluster = (server: string): object => ({ server, 'certificate-authority-data': ca });
  const kubeconfig = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      { name: 'default', cluster: cluster(`${kcpURL}/clusters/root`) },
      { name: 'base', cluster: cluster(kcpURL) },
    ],
    contexts: [
      { name: 'default', context: { cluster: 'default', user: 'kcp-mcp' } },
      { name: 'base', context: { cluster: 'base', user: 'kcp-mcp' } },
    ],
    'current-context': 'default',
    users: [{ name: 'kcp-mcp', user: admin.users[0]?.user ?? {} }],
  };
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: SOURCE,
    stringData: { kubeconfig: stringify(kubeconfig) },
  };
}

export interface SampleValues {
  issuerURL: string;
  audience: string;
  issuerCA: string;
  externalURL: string;
  issuerRef: { name: string; kind: string };
}

/** Writes a kustomization over config/samples with the values of this demo, as a user would edit them. */
export async function writeSample(dir: string, values: SampleValues): Promise<string> {
  const folder = join(dir, 'sample');
  await mkdir(folder, { recursive: true });
  const patch = {
    apiVersion: 'mcp.kcp.io/v1alpha1',
    kind: 'KcpMcpServer',
    metadata: SERVER,
    spec: {
      hostname: new URL(values.externalURL).hostname,
      externalURL: values.externalURL,
      auth: {
        oidc: {
          issuerURL: values.issuerURL,
          audience: values.audience,
          caRef: { kind: 'ConfigMap', name: CA_CONFIG_MAP, key: 'ca.crt' },
        },
      },
      tls: { issuerRef: values.issuerRef },
    },
  };
  const kustomization = {
    apiVersion: 'kustomize.config.k8s.io/v1beta1',
    kind: 'Kustomization',
    resources: [relative(folder, join(repoRoot, 'config', 'samples')), 'ca.yaml'],
    patches: [{ path: 'server.yaml' }],
  };
  const ca = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: CA_CONFIG_MAP, namespace: SERVER.namespace },
    data: { 'ca.crt': values.issuerCA },
  };
  await writeFile(join(folder, 'server.yaml'), stringify(patch));
  await writeFile(join(folder, 'ca.yaml'), stringify(ca));
  await writeFile(join(folder, 'kustomization.yaml'), stringify(kustomization));
  return folder;
}

/** Writes a kustomization over config/default with the demo's images. */
export async function writeInstall(dir: string, images: { operator: string; runtime: string }): Promise<string> {
  const folder = join(dir, 'install');
  await mkdir(folder, { recursive: true });
  const [newName, newTag] = splitTag(images.operator);
  const kustomization = {
    apiVersion: 'kustomize.config.k8s.io/v1beta1',
    kind: 'Kustomization',
    resources: [relative(folder, join(repoRoot, 'config', 'default'))],
    images: [{ name: 'kcp-mcp-operator', newName, newTag }],
    patches: [
      {
        target: { kind: 'Deployment', name: 'kcp-mcp-operator' },
        patch: stringify({
          apiVersion: 'apps/v1',
          kind: 'Deployment',
          metadata: { name: 'kcp-mcp-operator' },
          spec: {
            template: {
              spec: { containers: [{ name: 'manager', env: [{ name: 'RUNTIME_IMAGE', value: images.runtime }] }] },
            },
          },
        }),
      },
    ],
  };
  await writeFile(join(folder, 'kustomization.yaml'), stringify(kustomization));
  return folder;
}

function splitTag(image: string): [string, string] {
  const colon = image.lastIndexOf(':');
  return colon > image.lastIndexOf('/') ? [image.slice(0, colon), image.slice(colon + 1)] : [image, 'latest'];
}
