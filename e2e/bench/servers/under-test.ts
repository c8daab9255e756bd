import type { StartedProcess } from '../../lib/process.ts';

/** How to start a server, as often as it takes. */
export interface Program {
  command: string;
  args: string[];
  env: Record<string, string>;
  /** Answers 200 once the server serves callers. */
  readyURL: string;
  /** Certificate that `readyURL` is trusted by. */
  caFile: string;
}

/** A running MCP server. */
export interface ServerUnderTest {
  /** `https://HOST:PORT`; the endpoint is `/mcp`. */
  origin: string;
  /** Certificate that it is trusted by. */
  caFile: string;
  process: StartedProcess;
}

/** What every server of the benchmark is configured with. */
export interface ServerOptions {
  /** Run folder. */
  dir: string;
  /** Name of its process and files in the run folder. */
  name: string;
  issuerURL: string;
  issuerCAFile: string;
  audience: string;
  /** Its serving certificate. */
  tls: { certFile: string; keyFile: string; caFile: string };
  kubeconfig: string;
}
