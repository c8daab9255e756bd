import type { KcpMcpServer, KcpMcpServerStatus } from '../api/kcp-mcp-server.ts';
import { keyOf, type EventRecorder, type Logger } from '../kube/index.ts';
import type { Problem } from './errors.ts';

export interface Announcer {
  /** A status was written. */
  written(server: KcpMcpServer, status: KcpMcpServerStatus): void;
  /** It can't be written now: somebody else keeps changing it, so this is the only way to say so. */
  contested(server: KcpMcpServer, problem: Problem): void;
}

/**
 * Events and log lines when Ready changes its status or reason, when the copied kubeconfig does, and when the issuer turns out
 * to register no clients, or kcp not to answer. Not for a change of a
 * message alone: those come with every Pod that starts.
 */
export function createAnnouncer(events: Pick<EventRecorder, 'event'>, logger: Logger): Announcer {
  const written: Announcer['written'] = (server, status) => {
    const before = server.status?.conditions?.find(({ type }) => type === 'Ready');
    const ready = status.conditions?.find(({ type }) => type === 'Ready');
    if (ready && (before?.status !== ready.status || before.reason !== ready.reason)) {
      const reconciling = status.conditions?.find(({ type }) => type === 'Reconciling');
      const calm = ready.status === 'True' || reconciling?.reason === 'Progressing';
      const { reason, message } = ready;
      events.event({
        regarding: server,
        type: calm ? 'Normal' : 'Warning',
        reason,
        action: 'Reconcile',
        note: message,
      });
      logger[calm ? 'info' : 'warn']('Ready changed', {
        server: keyOf(server.metadata),
        status: ready.status,
        reason,
        note: message,
      });
    }

    const signIn = status.conditions?.find(({ type }) => type === 'OIDCReady');
    const signInBefore = server.status?.conditions?.find(({ type }) => type === 'OIDCReady');
    // The endpoint works, so Ready says nothing of it; but people who want to sign in will meet it.
    if (signIn?.reason === 'NoClientRegistration' && signInBefore?.reason !== signIn.reason) {
      const { reason, message } = signIn;
      events.event({ regarding: server, type: 'Warning', reason, action: 'CheckIssuer', note: message });
    }

    const kcp = status.conditions?.find(({ type }) => type === 'KcpReachable');
    const kcpBefore = server.status?.conditions?.find(({ type }) => type === 'KcpReachable');
    if (kcp?.status === 'False' && kcpBefore?.status !== 'False') {
      const { reason, message } = kcp;
      events.event({ regarding: server, type: 'Warning', reason, action: 'ProbeKcp', note: message });
    }

    const { sha256, server: url } = status.kubeconfig ?? {};
    const copied = server.status?.kubeconfig?.sha256;
    if (sha256 !== undefined && copied !== undefined && sha256 !== copied) {
      const note = `the kubeconfig of ${url ?? 'kcp'} changed at its source, and so did the copy`;
      events.event({ regarding: server, type: 'Normal', reason: 'KubeconfigRotated', action: 'Copy', note });
      logger.info('kubeconfig rotated', { server: keyOf(server.metadata), sha256 });
    }
  };
  return {
    written,
    contested(server, { reason, message }) {
      events.event({ regarding: server, type: 'Warning', reason, action: 'Reconcile', note: message });
      logger.warn('the status is contested', { server: keyOf(server.metadata), note: message });
    },
  };
}
