import type { Server } from 'node:https';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import type { FakeAnswer } from './fake-kcp.ts';

/** What a command in a container does. */
export interface FakeCommand {
  readonly stdout?: string;
  readonly stderr?: string;
  /** The Status that comes last; undefined for a command that doesn't end. */
  readonly status?: object;
}

/** Statuses as kubelet of 1.35 sends them. */
export const SUCCESS = { metadata: {}, status: 'Success' };
export const exited = (code: number) => ({
  metadata: {},
  status: 'Failure',
  message: `command terminated with non-zero exit code: exit status ${code}`,
  reason: 'NonZeroExitCode',
  details: { causes: [{ reason: 'ExitCode', message: String(code) }] },
});
export const notStarted = (message: string) => ({
  metadata: {},
  status: 'Failure',
  message: `Internal error occurred: error executing command in container: ${message}`,
  reason: 'InternalError',
  details: { causes: [{ message }] },
  code: 500,
});

export interface FakeExec {
  /** Path and query of every command that was asked for. */
  readonly asked: string[];
  stop(): void;
}

/** Answers `exec` of Pods on the server (v5.channel.k8s.io); a `FakeAnswer` refuses before a stream is opened. */
export function answerCommands(server: Server, run: (url: URL) => FakeCommand | FakeAnswer): FakeExec {
  const asked: string[] = [];
  const sockets = new WebSocketServer({ noServer: true, handleProtocols: (offered) => [...offered][0] ?? false });
  const upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const url = new URL(request.url ?? '', 'https://kcp');
    asked.push(url.pathname + url.search);
    const answer = run(url);
    if ('body' in answer) {
      const text = JSON.stringify(answer.body);
      socket.end(`HTTP/1.1 ${answer.status ?? 500} No\r\ncontent-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`);
      return;
    }
    sockets.handleUpgrade(request, socket, head, (stream) => {
      const send = (channel: number, content: string) => {
        stream.send(Buffer.concat([Buffer.of(channel), Buffer.from(content)]));
      };
      if (answer.stdout !== undefined) send(1, answer.stdout);
      if (answer.stderr !== undefined) send(2, answer.stderr);
      if (answer.status === undefined) return;
      send(3, JSON.stringify(answer.status));
      stream.close(1000);
    });
  };
  server.on('upgrade', upgrade);
  return {
    asked,
    stop: () => {
      server.off('upgrade', upgrade);
      sockets.close();
    },
  };
}
