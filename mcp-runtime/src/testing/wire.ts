import { connect as connectTcp } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { waitFor } from '../../../e2e/lib/wait.ts';

/** Where bytes go: a port on loopback, with TLS where a CA is given. */
export interface Wire {
  readonly port: number;
  readonly ca?: string;
}

/** What came back on one connection, until the other side closed it. */
export interface Answers {
  /** Status codes of the answers, in order; those of 1xx are left out. */
  readonly statuses: number[];
  readonly text: string;
}

/**
 * Sends bytes as they are, which no HTTP client does, and reads until the server closes the connection.
 *
 * @param bytes text is sent as Latin-1, one byte a character. It has to lead to an end: by an error or `Connection: close`.
 */
export async function exchange({ port, ca }: Wire, bytes: string | Uint8Array): Promise<Answers> {
  const socket =
    ca === undefined
      ? connectTcp(port, '127.0.0.1')
      : connectTls({ port, host: '127.0.0.1', servername: 'mcp.example.com', ca });
  let text = '';
  let closed = false;
  socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
  // A server that refuses may reset: what it said before is what counts.
  socket.on('error', () => undefined);
  socket.on('close', () => (closed = true));
  socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
  try {
    await waitFor('the end of the connection', () => closed, { deadlineMs: 10_000, intervalMs: 2 });
  } catch (error) {
    throw new Error(`the connection stayed open; it had answered ${JSON.stringify(text.slice(0, 500))}`, {
      cause: error,
    });
  } finally {
    socket.destroy();
  }
  const statuses = Array.from(text.matchAll(/HTTP\/1\.1 (\d{3}) /g), ([, code]) => Number(code));
  return { statuses: statuses.filter((code) => code >= 200), text };
}
