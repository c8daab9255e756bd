/**
 * Makes the sample's Service reachable on this machine at the address that its `externalURL` names.
 *
 * `node e2e/demo/forward.ts PORT clusterip|port-forward KUBECTL NAMESPACE SERVICE [kubectl flags…]`: on a local node a
 * TCP relay to the Service's cluster IP (which the host's own kube-proxy serves); elsewhere `kubectl port-forward`,
 * started again whenever it ends, as it does when its Pod goes.
 */
import { execFile, spawn } from 'node:child_process';
import { connect, createServer } from 'node:net';
import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';

const [port, mode, kubectl, namespace, service, ...flags] = process.argv.slice(2);
if (!port || !mode || !kubectl || !namespace || !service) {
  throw new Error('usage: forward.ts PORT clusterip|port-forward KUBECTL NAMESPACE SERVICE [kubectl flags…]');
}
const target = { kubectl, namespace, service };

async function clusterIP(): Promise<string> {
  const args = [...flags, 'get', 'service', '-n', target.namespace, target.service, '-o', 'jsonpath={.spec.clusterIP}'];
  const { stdout } = await promisify(execFile)(target.kubectl, args);
  return stdout.trim();
}

function relay(): void {
  let address: Promise<string> | undefined;
  const server = createServer({ noDelay: true }, (client) => {
    address ??= clusterIP();
    const forget = (): void => {
      // The Service may have been made anew with another address: ask again for the next connection.
      address = undefined;
      client.destroy();
    };
    address.then((host) => {
      const upstream: Socket = connect({ host, port: 443, noDelay: true });
      upstream.on('error', forget);
      client.on('error', () => upstream.destroy());
      client.on('close', () => upstream.destroy());
      upstream.on('close', () => client.destroy());
      client.pipe(upstream).pipe(client);
    }, forget);
  });
  server.listen(Number(port), '127.0.0.1');
}

async function portForward(): Promise<never> {
  for (;;) {
    const args = [...flags, 'port-forward', '--address', '127.0.0.1', '-n', target.namespace];
    const child = spawn(target.kubectl, [...args, `service/${target.service}`, `${port}:443`], { stdio: 'inherit' });
    await new Promise((done) => child.once('exit', done));
    await delay(500);
  }
}

if (mode === 'clusterip') relay();
else await portForward();
