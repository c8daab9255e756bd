/**
 * KcpReachable: whether kcp answers at the address that was copied, asked from the operator's Pod. That isn't where calls come from,
 * so Ready doesn't depend on it; but a name that nobody can resolve is one for both (docs/adr/0021).
 */
import type { KcpAnswer, KcpQuestion, ProbeKcp } from '../outbound/kcp.ts';
import { SharedChecks, type Timing } from '../outbound/shared-checks.ts';
import type { KubeconfigCopy } from '../resources/index.ts';
import type { Run } from './run.ts';
import { holds, type Finding } from './status.ts';
import { oneLine } from './text.ts';

/** kcps by question: one is asked once for all KcpMcpServers that reach it in the same way. */
export type Kcps = SharedChecks<KcpQuestion, KcpAnswer>;

export function createKcps(ask: ProbeKcp, wake: (key: string) => void, options: Timing): Kcps {
  const judge = ({ outcome }: KcpAnswer) => (outcome === 'answers' ? 'good' : 'passing');
  return new SharedChecks({ ask, judge, wake, ...options });
}

/** Asks kcp, and reports what is known: nothing before the first answer. */
export function observeKcp({ server, looks, caches, report }: Run, copy: KubeconfigCopy): void {
  const question: KcpQuestion = {
    server: copy.server,
    ca: copy.caData === undefined ? undefined : Buffer.from(copy.caData, 'base64').toString('latin1'),
    serverName: copy.tlsServerName,
    aliases: (server.spec.deployment.hostAliases ?? []).map(({ ip, hostnames }) => ({ ip, hostnames })),
  };
  const answer = looks.look(caches.kcps, question);
  if (answer) report.notes = { ...report.notes, KcpReachable: findingOf(answer, copy) };
}

export function findingOf(answer: KcpAnswer, { server, tlsServerName }: KubeconfigCopy): Finding {
  if (answer.outcome === 'answers') return holds('KcpAnswers', `kcp answers at ${server}`);
  const why = oneLine(answer.why);
  if (answer.kind === 'address') {
    const cure = 'Correct the address at its source, or start the operator with --allow-local-addresses';
    return {
      status: 'Unknown',
      reason: 'KcpNotAsked',
      message: `the operator doesn't ask kcp at ${server}: ${why}. ${cure}`,
    };
  }
  const message = `the operator gets no answer from kcp at ${server}: ${why}. ${cureOf(answer.kind, tlsServerName)}. If it is the same for the Pods, calls fail; Ready doesn't depend on it`;
  return { status: 'False', reason: 'KcpUnreachable', message };
}

function cureOf(kind: (KcpAnswer & { outcome: 'failed' })['kind'], tlsServerName: string | undefined): string {
  switch (kind) {
    case 'dns':
      return 'Give the name an address in spec.deployment.hostAliases, or see that the DNS of the cluster knows it';
    case 'certificate':
      return tlsServerName === undefined
        ? "See that the kubeconfig's certificate-authority-data is the CA of that certificate, and its server a name in it"
        : `See that the kubeconfig's certificate-authority-data is the CA of that certificate, and its tls-server-name (${tlsServerName}) a name in it`;
    case 'protocol':
      return "See that the kubeconfig's server is the address and port of kcp's front-proxy";
    default:
      return "See that kcp's front-proxy runs there, and that firewalls and NetworkPolicies let operator and Pods reach it";
  }
}
