/**
 * Makes the sample's Service reachable on this machine at the address that its `externalURL` names.
 *
 * `node e2e/demo/forward.ts PORT clusterip|port-forward KUBECTL NAMESPACE SERVICE [kubectl flags…]`: on a local node a
 * TCP relay to the Service's cluster IP (which is reachable from this machine); elsewhere `kubectl port-forward`,
 * started again whenever it ends, as it does when its Pod goes.
 */
import { spawn } from 'node:child_process';
import { connect, createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';

const [port, mode, kubectl, namespace, service, ...flags] = process.argv.slice(2);
if (!port || !mode || !kubectl || !namespace || !service) {
  throw new Error('usage: forward.ts PORT clusterip|port-forward KUBECTL NAMESPACE SERVICE [kubectl flags…]');
}

/** Runs kubectl for as long as this program runs, again whenever it ends. */
async function always(args: readonly string[], onLine: (line: string) => void): Promise<never> {
  for (;;) {
    const child = spawn(kubectl ?? '', [...flags, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
    createInterface(child.stdout).on('line', onLine);
    await new Promise((done) => child.once('exit', done));
    await delay(500);
  }
}

function relay(): void {
  let host: string | undefined;
  const server = createServer({ noDelay: true }, (client) => {
    const upstream = connect({ host: host ?? '', port: 443, noDelay: true });
    upstream.on('error', () => client.destroy());
    client.on('error', () => upstream.destroy());
    client.on('close', () => upstream.destroy());
    upstream.on('close', () => client.destroy());
    client.pipe(upstream).pipe(client);
  });
  server.on('error', (error) => {
    console.error(`can't listen on 127.0.0.1:${port}: ${error.message}`);
    process.exit(1);
  });
  // A Service that is made anew has another address: its watch tells.
  const watch = ['get', 'service', service ?? '', '-n', namespace ?? '', '--watch'];
  void always([...watch, '-o', 'jsonpath={.spec.clusterIP}{"\\n"}'], (address) => {
    host = address;
    if (!server.listening) server.listen(Number(port), '127.0.0.1');
  });
}

if (mode === 'clusterip') relay();
else {
  const args = ['port-forward', '--address', '127.0.0.1', '-n', namespace, `service/${service}`, `${port}:443`];
  await always(args, (line) => {
    console.log(line);
  });
}
