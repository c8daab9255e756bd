/** How the figures come about, for the page. */
export function method(peer: string): string {
  return `## Method

\`\`\`sh
make bench                                   # all of it: about 30 min, and as long again with a real kcp
KCP_BIN=/path/to/kcp make bench              # also on a real kcp
npm run bench -- --help                      # parts of it
npm run bench:report -- FILE…                # this page, of the results in FILE…; the newest wins
\`\`\`

- **Ours** is the bundle (\`npm run build\`) as a process with the flags and environment of [the image](../mcp-runtime/Dockerfile),
  callers signed in with OIDC, HTTPS towards callers and kcp. Every call is logged for audit as in a Pod.
- **The peer** is the binary of the npm package kubernetes-mcp-server ${peer}. With callers signed in (OIDC) it doesn't start in
  its kcp mode, so those figures are taken with \`cluster_provider_strategy = "kubeconfig"\` and \`require_oauth\` on the URL of one
  workspace; \`kcp_workspaces_list\` is taken in kcp mode with one shared identity that may list everything, and no sign-in.
  \`tools/list\` is taken with OIDC.
- **Straight to kcp** are the requests that our runtime sends for such a call, without it: what no server can beat.
- **On a core of its own** kcp is kept to one core (\`taskset\`), our runtime and the load to the others, with us and without: what is
  measured then is how much of kcp gets through us, and not how three programs share its cores. With one core each, figures differ
  more from round to round than elsewhere; the rounds are in the results.
- **Shares of kcp and first lists** are ratios to something that costs nobody anything but kcp. On cores that all share, each call
  takes the processor time of kcp, of the load and ours; a real kcp needs about 1 ms for a call, the synthetic one 0.02 ms, and ours
  is in the table. A kcp that is busy or far away (10 ms an answer) hides it, one that answers from memory shows nothing else.
- **The synthetic kcp** is a Node.js process that answers as a real kcp was recorded to, byte sizes included, over HTTPS with
  HTTP/1.1. It counts requests and handshakes. For a caller's first list it is also measured holding every answer back for
  10 ms, about what a real kcp takes with 16 at a time on two cores.
- **The load** comes from another process, on connections that stay open, one request at a time on each; its own processor time
  is in the results. Each target gets a turn of 4 s in each of several rounds (five unless told; A B C, A B C, …), so that what
  disturbs one disturbs all; ratios are the median of the rounds' ratios, percentiles are over all rounds. Warm-up isn't counted. Of a turn
  with more than 1,000 calls every n-th time is kept. An answer that is no success ends the benchmark.
- **Processor time** is user and system time of the whole process (\`/proc/PID/stat\`) over the counted calls.
- A **start** is the time from the spawn to the first 200 of \`/readyz\` (the peer's \`/healthz\`), ten times each in turns.`;
}
