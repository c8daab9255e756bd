/**
 * OIDCReady: what the operator hears when it asks the issuer, weighed against what the Pods say, who ask it too: a Pod is ready
 * once it has the keys, and keeps them while the issuer is away (docs/adr/0021).
 */
import type { IssuerAnswer, CheckIssuer, IssuerQuestion } from '../outbound/issuer.ts';
import { SharedChecks, type Timing, type Verdict } from '../outbound/shared-checks.ts';
import type { Reason } from '../api/conditions.ts';
import { waiting, type Problem } from './errors.ts';
import { withPlaces } from './inherit.ts';
import type { Deployment } from './objects.ts';
import type { IssuerCA } from './references.ts';
import type { Run } from './run.ts';
import { fails, holds, progressing, type Finding } from './status.ts';
import { oneLine } from './text.ts';

/** Issuers by question: one is asked once for all KcpMcpServers that trust it by the same CA. */
export type Issuers = SharedChecks<IssuerQuestion, IssuerAnswer>;

export function createIssuers(ask: CheckIssuer, wake: (key: string) => void, options: Timing): Issuers {
  return new SharedChecks({ ask, judge: verdictOf, wake, ...options });
}

function verdictOf(answer: IssuerAnswer): Verdict {
  if (answer.outcome === 'failed') return 'passing';
  return answer.outcome === 'verified' && answer.registersClients ? 'good' : 'bad';
}

/** Asks, where there is something to ask; what is known is found by {@link observeIssuer}. */
export function lookAtIssuer(run: Run, ca: IssuerCA): void {
  const { server, looks, caches } = run;
  const { oidc } = server.spec.auth;
  if (!oidc || ca.problem) return;
  if ('unreadable' in ca) {
    run.issuer = { unreadable: ca.unreadable };
    return;
  }
  const aliases = (server.spec.deployment.hostAliases ?? []).map(({ ip, hostnames }) => ({ ip, hostnames }));
  const answer = looks.look(caches.issuers, { issuer: oidc.issuerURL, ca: ca.pem, aliases });
  if (answer) run.issuer = { answer };
}

/** Completes the report with what is known of the issuer. */
export function observeIssuer(run: Run, deployment: Deployment | undefined): void {
  const { server, report, issuer } = run;
  const { oidc } = server.spec.auth;
  if (!oidc) return;
  const before = server.status?.oidc;
  const registersClients =
    issuer?.answer?.outcome === 'verified'
      ? issuer.answer.registersClients
      : before?.issuer === oidc.issuerURL
        ? before.registersClients
        : undefined;
  if (report.facts.oidc && registersClients !== undefined)
    report.facts.oidc = { ...report.facts.oidc, registersClients };
  if (report.causes.OIDCReady) return;

  const pods = podsOf(run, deployment);
  if (issuer?.answer) {
    report.causes.OIDCReady = judge(run, issuer.answer, pods);
  } else if (issuer?.unreadable) {
    report.causes.OIDCReady = byPodsAlone(oidc.issuerURL, issuer.unreadable, pods);
  } else {
    const message = `the issuer ${oidc.issuerURL} is being asked for its discovery document and keys`;
    report.causes.OIDCReady = saidBefore(run, pods) ?? progressing('Unknown', 'Checking', message);
  }
}

/** What only an answer can have brought. */
const ANSWERED = new Set<string>([
  'IssuerVerified',
  'NoClientRegistration',
  'IssuerUnreachable',
  'DiscoveryFailed',
  'IssuerMismatch',
  'NoKeys',
] satisfies Reason[]);

/** After a restart of the operator nothing is known for a moment; what the status says still holds for the same spec. */
function saidBefore({ server: { spec, status, metadata } }: Run, pods: Pods): Finding | undefined {
  const said = status?.conditions?.find(({ type }) => type === 'OIDCReady');
  if (!said || !ANSWERED.has(said.reason) || said.observedGeneration !== metadata.generation) return undefined;
  if (status?.oidc?.issuer !== spec.auth.oidc?.issuerURL) return undefined;
  const { reason, message } = said;
  const tolerated = said.status === 'Unknown' && pods === 'current';
  return { status: said.status, reason: reason as Reason, message, kind: 'waiting', tolerated };
}

/** Whether Pods have the keys of the issuer of the spec (`current`), perhaps of an earlier one (`some`), or none has any. */
type Pods = 'current' | 'some' | 'none';

function podsOf({ report }: Run, deployment: Deployment | undefined): Pods {
  const { readyReplicas = 0 } = deployment?.status ?? {};
  if (readyReplicas === 0) return 'none';
  return report.causes.Available?.status === 'True' ? 'current' : 'some';
}

function judge(run: Run, answer: IssuerAnswer, pods: Pods): Finding {
  const issuer = run.server.spec.auth.oidc?.issuerURL ?? '';
  switch (answer.outcome) {
    case 'verified':
      return answer.registersClients
        ? holds(
            'IssuerVerified',
            `the issuer ${issuer} answers as itself, has keys and registers clients${hintFor(issuer)}`,
          )
        : holds('NoClientRegistration', noRegistration(issuer));
    case 'mismatch':
      return fails(waiting('IssuerMismatch', withPlaces(run, mismatch(issuer, oneLine(answer.named, 512)))));
    case 'no-keys':
      return fails(
        waiting('NoKeys', `no token of the issuer ${issuer} can be checked: ${oneLine(answer.why)}. Mend it there`),
      );
    case 'failed':
      return away(run, answer, pods);
  }
}

/** An issuer that is away is no reason to call a server broken that goes on without it. */
function away(run: Run, { kind, why }: IssuerAnswer & { outcome: 'failed' }, pods: Pods): Finding {
  const { oidc } = run.server.spec.auth;
  const issuer = oidc?.issuerURL ?? '';
  const reason = ['answer', 'redirect', 'size', 'protocol'].includes(kind) ? 'DiscoveryFailed' : 'IssuerUnreachable';
  const said =
    reason === 'DiscoveryFailed'
      ? `the issuer ${issuer} has no discovery document for the operator: ${oneLine(why)}`
      : `the operator can't reach the issuer ${issuer}: ${oneLine(why)}`;
  const message = `${said}. ${withPlaces(run, cureOf(kind, run.inherited ? undefined : oidc?.caRef))}`;
  switch (pods) {
    case 'current': {
      const meanwhile = 'The Pods have its keys and go on; whoever has to sign in anew may have to wait for it';
      return { ...progressing('Unknown', reason, `${message}. ${meanwhile}`), tolerated: true };
    }
    case 'some':
      return {
        ...fails(waiting(reason, `${message}. The Pods that are ready go on with the keys they have`)),
        status: 'Unknown',
      };
    case 'none':
      return fails(waiting(reason, message));
  }
}

type CaRef = NonNullable<Run['server']['spec']['auth']['oidc']>['caRef'];

function cureOf(kind: (IssuerAnswer & { outcome: 'failed' })['kind'], caRef: CaRef): string {
  switch (kind) {
    case 'dns':
      return 'Correct spec.auth.oidc.issuerURL, see that the DNS of the cluster knows the name, or give it an address in spec.deployment.hostAliases';
    case 'address':
      return 'Correct spec.auth.oidc.issuerURL, or start the operator with --allow-local-addresses';
    case 'certificate':
      return caRef
        ? `See that key ${caRef.key} of ${caRef.kind} ${caRef.name}, which spec.auth.oidc.caRef names, holds the CA that signed it`
        : "Name the issuer's CA in spec.auth.oidc.caRef, or correct its certificate";
    case 'refused':
    case 'timeout':
    case 'network':
      return 'Correct spec.auth.oidc.issuerURL, or see that it runs, and that firewalls and NetworkPolicies let the operator and the Pods reach it';
    default:
      return 'Correct spec.auth.oidc.issuerURL (with Keycloak it ends with /realms/REALM), or mend the issuer';
  }
}

function byPodsAlone(issuer: string, unreadable: Problem, pods: Pods): Finding {
  const grant = `${unreadable.message}. Grant it with: ${unreadable.command ?? ''}`;
  if (pods === 'current') {
    return holds('KeysLoaded', `the Pods have the keys of ${issuer}. The operator didn't ask it: ${grant}`);
  }
  const message = `no ready Pod has loaded the keys of ${issuer} yet, and the operator can't ask it: ${grant}`;
  return { ...progressing('Unknown', 'KeysNotLoaded', message), derived: true };
}

function mismatch(issuer: string, named: string): string {
  const both = `spec.auth.oidc.issuerURL is ${issuer}, but the issuer there names itself ${named || '(nothing)'}`;
  const slash = named !== issuer && named.replace(/\/$/, '') === issuer.replace(/\/$/, '');
  const difference = slash ? `: they differ in the slash at the end, which counts` : '';
  return `${both}${difference}. Its tokens would be refused. Set spec.auth.oidc.issuerURL to the name that the issuer gives itself, which kcp has to be given, too, or correct that name at the issuer`;
}

/** Keycloak's issuers are `https://HOST/realms/REALM`. */
const isKeycloak = (issuer: string): boolean => /\/realms\/[^/]+\/?$/.test(issuer);

function noRegistration(issuer: string): string {
  const where = isKeycloak(issuer) ? ' (Keycloak: docs/keycloak.md)' : '';
  return `the issuer ${issuer} answers as itself and has keys, but registers no clients: its metadata has neither registration_endpoint (RFC 7591) nor client_id_metadata_document_supported. Enable dynamic client registration there${where}, or make a public client with PKCE and the redirect addresses of your assistants, and give people its client id for their assistants' settings`;
}

/** What its metadata can't tell: whom it lets register. */
const hintFor = (issuer: string): string =>
  isKeycloak(issuer)
    ? '. If an assistant is refused with 403 and "Trusted Hosts", add the host of its redirect address to that client registration policy of the realm (docs/keycloak.md)'
    : '';
