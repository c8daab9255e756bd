import { setTimeout as delay } from 'node:timers/promises';
import { createFetchJson } from './auth/fetch-json.ts';
import { createIssuer, type Issuer } from './auth/issuer.ts';
import { checkSecret, createUpstream } from './auth/upstream.ts';
import { dropInFolder, listDropIns } from './config/drop-ins.ts';
import { hintsOf } from './config/hints.ts';
import { loadConfig } from './config/load.ts';
import { watchFiles, type WatchedFiles } from './config/reload.ts';
import { keepStartupSettings } from './config/restart.ts';
import { callersSignIn, type RuntimeConfig } from './config/schema.ts';
import { createApp } from './http/app.ts';
import { createFront } from './http/front.ts';
import { createHealthServer } from './http/health.ts';
import { createPublicServer, drainServer, listen, setCertificate } from './http/listen.ts';
import { createMemo } from './http/memo.ts';
import { loadCertificate, type ServedCertificate } from './http/tls.ts';
import { createInventories } from './inventories.ts';
import { createKcpClient, type KcpClient } from './kcp/client.ts';
import type { Logger } from './log.ts';
import type { Metrics } from './metrics.ts';
import { createSeal, loadSealingKey } from './seal.ts';
import { createMcp, type McpOptions } from './server.ts';
import { createService, type Service } from './service.ts';
import { ALL_TOOLS } from './tools/all.ts';
import { servesKcp } from './tools/arguments.ts';
import { createToolset, type ToolDeps, type Toolset } from './tools/index.ts';

export interface RuntimeOptions {
  /** Path of `config.toml`, read again when it changes. */
  readonly configFile: string | undefined;
  /** Folder of drop-in files, see {@link dropInFolder}; they are read again too. */
  readonly configFolder?: string | undefined;
  readonly config: RuntimeConfig;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly version: string;
  /** Makes the tools in place of {@link createToolset}. */
  readonly makeToolset?: (deps: ToolDeps) => Toolset;
  /** {@link McpOptions.extend} */
  readonly extend?: NonNullable<McpOptions['extend']>;
}

/** A running server. */
export interface Runtime {
  /** Ports in use, for a configuration that says 0. */
  readonly port: number;
  readonly healthPort: number;
  /** Takes every file over again, changed or not. */
  reload(): Promise<void>;
  /**
   * Stops: not ready at once, still serving for `lingerMs` until that is known to load balancers, then no new connections and
   * at most `patienceMs` for calls under way.
   * @returns whether all calls finished.
   */
  stop(times: { readonly lingerMs: number; readonly patienceMs: number }): Promise<boolean>;
}

/** Starts both ports. An issuer or a kcp that is down doesn't keep the runtime from starting. */
export async function startRuntime(options: RuntimeOptions): Promise<Runtime> {
  const { configFile, configFolder, log, metrics, version, makeToolset = createToolset, extend } = options;
  const started = options.config;
  let config = started;
  let draining = false;

  const kcp = createKcpClient({
    kubeconfigFile: config.kubeconfig,
    plain: !servesKcp(config),
    ownIdentity: config.cluster_auth_mode === 'kubeconfig',
    requestTimeoutMs: () => config.toolset_configs.kcp.request_timeout,
    observe: ({ method, outcome, seconds }) => {
      metrics.kcpRequests.inc({ method, outcome });
      metrics.kcpSeconds.observe(seconds);
    },
  });
  const certificate = await loadCertificate(config);
  await checkSecret(config);
  const inventories = await createInventories({ config, kcp, log, metrics });

  const issuer = callersSignIn(started)
    ? createIssuer({
        url: started.authorization_url,
        fetchJson: createFetchJson(started.certificate_authority),
        log,
        onRefresh: (result) => {
          metrics.keyRefreshes.inc({ result });
        },
      })
    : undefined;
  const newService = (next: RuntimeConfig): Service => {
    const upstream = createUpstream(next, {
      metadata: () => issuer?.metadata(),
      identity: () => kcp.identity,
      log,
      metrics,
    });
    return createService(makeToolset({ kcp, config: next, upstream, inventory: inventories.for(next) }), next);
  };

  let front = createFront(config, issuer);
  let service = newService(config);

  const stateKeyFile = config.toolset_configs.kcp.state_key_file;
  let sealingKeys = [await loadSealingKey(stateKeyFile, certificate)];
  let seal = createSeal(sealingKeys);

  const mcp = await createMcp({
    service: () => service,
    seal: () => seal,
    version,
    log,
    metrics,
    ...(extend && { extend }),
  });
  const app = createApp({ front: () => front, mcp, memo: createMemo(() => service), log, metrics });
  const server = createPublicServer(config, certificate, app);
  const health = createHealthServer({
    metrics,
    problems: () => [...(draining ? ['shutting down'] : []), ...problemsOf(issuer)],
  });
  if (certificate !== undefined) metrics.certificateNotAfter.set(certificate.notAfter / 1_000);

  async function reloadConfig(): Promise<void> {
    const { config: next, ignored } = keepStartupSettings(started, await loadConfig(configFile, configFolder));
    if (ignored.length > 0) log.warn('changed settings that take effect after a restart', { keys: ignored });
    await checkSecret(next);
    const nextService = newService(next);
    log.setLevel(next.log_level);
    front = createFront(next, issuer);
    const before = service;
    service = nextService;
    config = next;
    if (JSON.stringify(service.tools) !== JSON.stringify(before.tools)) mcp.handler.notify.toolsChanged();
    if (JSON.stringify([...service.prompts]) !== JSON.stringify([...before.prompts]))
      mcp.handler.notify.promptsChanged();
    logHints(config, log);
  }

  async function reloadCertificate(): Promise<void> {
    const renewed = await loadCertificate(started);
    if (renewed === undefined) return;
    setCertificate(server, renewed);
    await reloadSealingKey(renewed);
    metrics.certificateNotAfter.set(renewed.notAfter / 1_000);
  }

  /** What was sealed with the key before still opens: a person may be typing the answer just now. */
  async function reloadSealingKey(served: ServedCertificate | undefined): Promise<void> {
    sealingKeys = [await loadSealingKey(stateKeyFile, served), ...sealingKeys.slice(0, 1)];
    seal = createSeal(sealingKeys);
  }

  const files = (...paths: (string | undefined)[]) => paths.filter((path) => path !== undefined);
  const dropIns = dropInFolder(configFile, configFolder);
  const watched: WatchedFiles[] = [
    {
      what: 'config',
      files: files(configFile),
      folder: { path: dropIns, list: () => listDropIns(dropIns) },
      apply: reloadConfig,
    },
    { what: 'certificate', files: files(started.tls_cert, started.tls_key), apply: reloadCertificate },
    {
      what: 'kubeconfig',
      files: [started.kubeconfig],
      apply: async () => {
        await kcp.reload();
      },
    },
    {
      what: 'state_key',
      files: files(stateKeyFile),
      apply: async () => {
        if (stateKeyFile !== undefined) await reloadSealingKey(undefined);
      },
    },
    {
      what: 'certificate_authority',
      files: files(started.certificate_authority),
      apply: async () => {
        await issuer?.reload();
      },
    },
    ...inventories.watched,
  ];
  const watch = await watchFiles(watched, {
    log,
    onReload: (what, result) => {
      metrics.reloads.inc({ what, result });
    },
  });

  logHints(config, log);
  warnOfSharedIdentity(config, kcp, log);
  const healthPort = await listen(health, Number(config.toolset_configs.kcp.health_port), config.bind_address);
  const port = await listen(server, Number(config.port), config.bind_address);
  const scheme = certificate === undefined ? 'http' : 'https';
  log.info('listening', {
    port,
    scheme,
    health_port: healthPort,
    ...(config.server_url !== undefined && { server_url: config.server_url }),
    kcp: kcp.host,
    version,
  });

  return {
    port,
    healthPort,
    reload: () => watch.check(true),
    stop: async ({ lingerMs, patienceMs }) => {
      draining = true;
      await delay(lingerMs);
      watch.close();
      const finished = await drainServer(server, app, patienceMs);
      await mcp.close();
      issuer?.stop();
      await inventories.close();
      await kcp.close();
      health.close();
      health.closeAllConnections();
      return finished;
    },
  };
}

function logHints(config: RuntimeConfig, log: Logger): void {
  const names = ALL_TOOLS.map(({ name }) => name);
  for (const { level, text } of hintsOf(config, names))
    log[level]('the configuration may not mean what it says', { hint: text });
}

function warnOfSharedIdentity({ require_oauth: signIn }: RuntimeConfig, { identity }: KcpClient, log: Logger): void {
  if (identity === undefined) return;
  const who = signIn ? 'everybody who signs in' : 'everybody who reaches this server, for nobody has to sign in,';
  log.warn(`${who} acts on kcp as one shared identity (cluster_auth_mode = "kubeconfig")`, { identity: identity.name });
}

/** Why callers can't be judged yet. */
const problemsOf = (issuer: Issuer | undefined): string[] =>
  issuer === undefined || issuer.ready() ? [] : [issuer.problem() ?? ''];
