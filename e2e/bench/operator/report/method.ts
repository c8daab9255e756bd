/** How the operator's figures come about, for the page. */
export const operatorMethod = `### Method of the operator's figures

\`\`\`sh
make bench-operator                          # all of it: about 40 min
npm run bench:operator -- --help             # parts of it
\`\`\`

- **The operator** is the bundle (\`npm run build\`) with the flags and environment of [its image](../operator/Dockerfile) and the rights of the
  default install: each KcpMcpServer comes with the Roles of the samples, in 20 namespaces. So each Secret is a watch of its own.
- **No node**: what a Deployment controller and cert-manager would write into status is written by the benchmark. Pods that never become
  ready are a Deployment whose status says so, and stays.
- **Requests** are counted in the audit log of kube-apiserver, by user and User-Agent; those of the benchmark itself aren't logged. A resource
  is served with the answer to the first status that was written after its last child.
- **Flat out** is one client with 16 connections and nothing to think about. The bodies of all writes for one KcpMcpServer were recorded from
  the operator (children by server-side apply, status, event); for each of the others it creates the KcpMcpServer and sends them with its names
  and uid, one after the other, for 16 at a time, with the operator's token. It reads nothing and watches nothing. The operator's time is from
  the first create, made by another client with 16 connections, until the last status; before each turn it is started anew and warmed up with
  100 resources. Ratios are of neighbouring turns.
- **Back** after a deletion or an edit is from the answer to the hand until the answer to the operator's write; one at a time, each of another
  resource.
- **Resident** memory and connections are read from \`/proc/PID\`. MB are 10⁶ bytes.`;
