import { parseArgs } from 'node:util';
import { readFile } from 'node:fs/promises';
import { openAdminClient } from './admin-client.ts';
import { seed } from './seed.ts';
import { serveStandIn, standInFiles, stopPlanes } from './stand-in.ts';
import { demoTree } from './tree.ts';
import type { WorkspaceTree } from './tree.ts';

const usage = `Usage: node e2e/kcp/main.ts --dir DIR --port PORT --oidc-issuer-url URL --oidc-ca-file FILE [options]

A stand-in for kcp made of real parts: one generic Kubernetes control plane per workspace behind a front that answers
/clusters/PATH/... as kcp does. DIR/kcp/admin.kubeconfig is its administrator's kubeconfig, DIR/kcp/requests.jsonl its
request log. Data of an earlier run in DIR is removed.

  --dir DIR               run folder: pid files in DIR/run, logs in DIR/log, the rest in DIR/kcp
  --address ADDRESS       address to listen on (default 127.0.0.1)
  --port PORT             port to listen on
  --oidc-issuer-url URL   issuer of the tokens that it accepts (username claim email, groups claim groups)
  --oidc-client-id ID     audience of the tokens (default platform-mesh)
  --oidc-ca-file FILE     CA certificate of the issuer
  --tree TREE             workspaces to create: demo (default), none, or a JSON file (see e2e/kcp/tree.ts)
  --shards N              how many shards the workspaces lie on (default 1); those after the first serve their virtual
                          workspaces at addresses of their own, with certificates of DIR/kcp/pki/shard-ca.crt
  --spare N               control planes to start ahead of need (default: as many as the tree has workspaces)
  --help                  this text
`;

const { values } = parseArgs({
  options: {
    dir: { type: 'string' },
    address: { type: 'string', default: '127.0.0.1' },
    port: { type: 'string' },
    'oidc-issuer-url': { type: 'string' },
    'oidc-client-id': { type: 'string', default: 'platform-mesh' },
    'oidc-ca-file': { type: 'string' },
    tree: { type: 'string', default: 'demo' },
    shards: { type: 'string', default: '1' },
    spare: { type: 'string' },
    help: { type: 'boolean' },
  },
});

async function treeNamed(name: string): Promise<WorkspaceTree> {
  if (name === 'demo') return demoTree;
  if (name === 'none') return { root: { grants: [] }, workspaces: [] };
  return JSON.parse(await readFile(name, 'utf8')) as WorkspaceTree;
}

async function run(dir: string, port: number, issuerURL: string, caFile: string): Promise<void> {
  const tree = await treeNamed(values.tree);
  const own = tree.workspaces.filter((workspace) => workspace.sharesPlaneWith === undefined).length;
  const standIn = await serveStandIn({
    dir,
    address: values.address,
    port,
    oidc: { issuerURL, clientID: values['oidc-client-id'], caFile },
    shards: Number(values.shards),
    spare: Number(values.spare ?? own),
  });
  const stop = async (): Promise<void> => {
    await standIn.close();
    process.exit();
  };
  process.once('SIGTERM', () => void stop());
  process.once('SIGINT', () => void stop());
  const admin = await openAdminClient(standInFiles(dir).adminKubeconfig);
  await seed(admin, tree);
  admin.close();
  console.log(`kcp ${standIn.url} is up`);
}

const { dir, port, 'oidc-issuer-url': issuerURL, 'oidc-ca-file': caFile } = values;
if (values.help) {
  process.stdout.write(usage);
} else if (!dir || !port || !issuerURL || !caFile) {
  process.stderr.write(`--dir, --port, --oidc-issuer-url and --oidc-ca-file are needed.\n\n${usage}`);
  process.exitCode = 2;
} else {
  try {
    await run(dir, Number(port), issuerURL, caFile);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    await stopPlanes(dir);
    process.exit(1);
  }
}
