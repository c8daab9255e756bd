// Every condition type and reason of a KcpMcpServer, what it means and what to do about it. This is the one place that
// documents them: docs/api/kcpmcpserver.md is generated from it (`npm run generate`).

/** Documentation of a condition type. */
interface TypeDoc {
  /** What status True says. */
  meaning: string;
}

const types = {
  Ready: {
    meaning:
      'The summary: the endpoint answers with the spec as it is now. When it is not True, reason and message are those of the first cause that is not.',
  },
  KubeconfigReady: {
    meaning:
      'The address and CA of kcp were read from what spec.kcp names, and the copy that the Pods mount is current.',
  },
  ConfigReady: {
    meaning: 'config.toml is made from the spec as it is now, and from the ConfigMap that spec.config.dropInRef names.',
  },
  OIDCReady: {
    meaning:
      "The issuer was asked: it is the one that the spec names, and has keys to check tokens with. An issuer that is away makes it Unknown, and doesn't touch Ready, while Pods have its keys.",
  },
  CertificateReady: { meaning: 'The serving certificate is there and valid.' },
  Available: { meaning: 'Enough Pods of the current template are ready.' },
  Exposed: { meaning: 'What spec.exposure asks for exists and has been taken up.' },
  KcpReachable: {
    meaning:
      'kcp answered when the operator asked it at the address of the kubeconfig. For people to see: Ready does not depend on it, since it is the Pods that call kcp.',
  },
  Reconciling: {
    meaning: 'The operator or the cluster is still working on the spec (kstatus). Only there while it is True.',
  },
  Stalled: {
    meaning:
      'Nothing more will happen until somebody changes the spec or what the message names (kstatus). Only there while it is True.',
  },
} as const satisfies Record<string, TypeDoc>;

/** Documentation of a reason. */
interface ReasonDoc {
  /** Conditions that it is used on; Ready, Reconciling and Stalled repeat the reason of their cause. */
  on: readonly (keyof typeof types)[];
  meaning: string;
  /** What to do; nothing to do when left out. */
  cure?: string;
}

const reasons = {
  // Ready, Reconciling
  Succeeded: { on: ['Ready'], meaning: 'All causes hold.' },
  Progressing: { on: ['Ready', 'Reconciling'], meaning: 'Changes were applied and the cluster is taking them up.' },
  WaitingForReference: {
    on: ['Ready', 'Reconciling', 'OIDCReady', 'ConfigReady', 'Available'],
    meaning:
      'Something that the spec names is not there or not usable yet; the operator watches it and goes on by itself.',
    cure: 'See the cause that is not True: its message says what is missing.',
  },
  RetryingAfterError: {
    on: ['Ready', 'Reconciling'],
    meaning: 'A call to the API server failed; it is tried again with increasing delay.',
    cure: "See the message, and the operator's log if it stays.",
  },

  // Stalled
  Conflict: {
    on: ['Ready', 'Stalled', 'KubeconfigReady', 'ConfigReady', 'CertificateReady', 'Available', 'Exposed'],
    meaning: 'An object that the operator needs exists under the same name and is not its own. It was left alone.',
    cure: 'Rename or delete the object that the message names, or name this resource otherwise.',
  },
  Contested: {
    on: ['Ready', 'Reconciling', 'KubeconfigReady', 'ConfigReady', 'CertificateReady', 'Available', 'Exposed'],
    meaning:
      'Somebody else keeps changing or deleting an object of ours. The first changes are put right at once, later ones less and less often, at last every 5 minutes. Over when a repair has held for a minute, or for longer after many of them.',
    cure: 'Stop the field manager that the message names, or have it leave these fields alone.',
  },
  Rejected: {
    on: ['Ready', 'Stalled', 'KubeconfigReady', 'ConfigReady', 'CertificateReady', 'Available', 'Exposed'],
    meaning:
      'The API server refused an object of ours as invalid, by its own rules, a quota or an admission policy, or an admission webhook does not answer; on ConfigReady: the spec makes a config.toml that the server refuses.',
    cure: 'Change the field that the message names, or the policy; or mend the webhook that it names.',
  },

  // KubeconfigReady and other references
  Copied: { on: ['KubeconfigReady'], meaning: 'The copy is current.' },
  NotFound: {
    on: ['KubeconfigReady', 'ConfigReady', 'OIDCReady', 'CertificateReady'],
    meaning: 'The object that the spec names does not exist.',
    cure: 'Create it, or correct the name and namespace in the spec.',
  },
  KeyMissing: {
    on: ['KubeconfigReady', 'ConfigReady', 'OIDCReady', 'CertificateReady'],
    meaning: 'The Secret or ConfigMap exists but lacks the key that is wanted, or the key is empty.',
    cure: 'Add the key, or name another one in the spec.',
  },
  Forbidden: {
    on: ['KubeconfigReady', 'ConfigReady', 'OIDCReady', 'CertificateReady'],
    meaning:
      'The operator may not read or write the Secret (it has no cluster-wide right to Secrets, on purpose), or not read the ConfigMap.',
    cure: 'Run the command in the message, which grants the right to this one object (config/samples holds such Roles).',
  },
  NotPermitted: {
    on: ['KubeconfigReady'],
    meaning:
      'What the spec asks of an object in another namespace (a kubeconfig made for a FrontProxy, or the credentials of a Kubeconfig) takes the consent of that namespace: its annotation mcp.kcp.io/allow-namespaces does not list the namespace of this resource. What was made or copied under an earlier consent is removed.',
    cure: 'Have somebody who may change that object run the command in the message: the operator never gives consent itself.',
  },
  SourceNotReady: {
    on: ['KubeconfigReady'],
    meaning: 'The Kubeconfig exists but kcp-operator has not finished it.',
    cure: "Look at that Kubeconfig's conditions and at kcp-operator.",
  },
  InvalidKubeconfig: {
    on: ['KubeconfigReady'],
    meaning:
      'What the Secret holds is not a kubeconfig that can be copied: not YAML, no current context, no https server, or a field that is refused (exec, auth-provider, proxy-url, insecure-skip-tls-verify, file paths).',
    cure: 'Correct the field that the message names in the source.',
  },
  KindNotInstalled: {
    on: ['KubeconfigReady', 'CertificateReady', 'Exposed'],
    meaning:
      'The cluster does not serve a kind that the spec needs (kcp-operator, cert-manager or the Gateway API), or not in the version that is needed.',
    cure: 'Install what serves it; the operator notices by itself. Or use spec.kcp.secretRef, spec.tls.secretName or another field of spec.exposure.',
  },

  // KcpReachable
  KcpAnswers: { on: ['KcpReachable'], meaning: 'kcp answers, and can be trusted.' },
  KcpUnreachable: {
    on: ['KcpReachable'],
    meaning:
      'The operator gets no answer from kcp, or none that can be trusted. If it is the same for the Pods, calls fail. Asked again at least every minute.',
    cure: 'See the message: the name (spec.deployment.hostAliases), the address, the network or the CA in the kubeconfig.',
  },
  KcpNotAsked: {
    on: ['KcpReachable'],
    meaning: 'kcp is at a loopback or link-local address, which the operator does not ask.',
    cure: 'Correct the address in the kubeconfig, or start the operator with --allow-local-addresses.',
  },

  // ConfigReady
  Rendered: { on: ['ConfigReady'], meaning: 'config.toml is up to date.' },
  InvalidDropIn: {
    on: ['ConfigReady'],
    meaning:
      'The ConfigMap that spec.config.dropInRef names holds something that is not TOML, that the server refuses, or that a drop-in may not say. The server goes on with the last good one.',
    cure: 'Correct the lines that the message names.',
  },

  // OIDCReady
  NotRequired: { on: ['OIDCReady'], meaning: 'Nobody has to sign in (spec.auth.allowUnauthenticated).' },
  IssuerVerified: {
    on: ['OIDCReady'],
    meaning: 'The issuer names itself as the spec does, has keys and registers clients.',
  },
  NoClientRegistration: {
    on: ['OIDCReady'],
    meaning:
      'As IssuerVerified, but the issuer registers no clients: its metadata has neither registration_endpoint (RFC 7591) nor client_id_metadata_document_supported. Assistants can sign in only with a client id that somebody made for them.',
    cure: 'Enable dynamic client registration at the issuer, or make a public client with PKCE and the redirect addresses of the assistants, and give people its client id.',
  },
  Checking: { on: ['OIDCReady'], meaning: 'The issuer is being asked for the first time.' },
  IssuerUnreachable: {
    on: ['OIDCReady'],
    meaning:
      'The operator gets no answer from the issuer. Unknown while Pods have its keys: they go on. Asked again at least every minute.',
    cure: 'See the message: the name, the address, the network or the CA (spec.auth.oidc.caRef).',
  },
  DiscoveryFailed: {
    on: ['OIDCReady'],
    meaning:
      "Something answers at the issuer's address, but not with an OpenID Connect discovery document. Otherwise as IssuerUnreachable.",
    cure: 'Correct spec.auth.oidc.issuerURL (with Keycloak it ends with /realms/REALM), or mend the issuer.',
  },
  IssuerMismatch: {
    on: ['OIDCReady'],
    meaning: 'The issuer names itself otherwise than spec.auth.oidc.issuerURL does, so every token would be refused.',
    cure: 'Write the name that the message quotes, to the letter, or correct it at the issuer.',
  },
  NoKeys: {
    on: ['OIDCReady'],
    meaning: 'The issuer publishes no keys that signatures could be checked with.',
    cure: 'Mend the issuer: its discovery document must name an https jwks_uri with asymmetric keys.',
  },
  KeysLoaded: {
    on: ['OIDCReady'],
    meaning: "A ready Pod has the issuer's keys. The operator may not read the issuer's CA, and so didn't ask itself.",
  },
  KeysNotLoaded: {
    on: ['OIDCReady'],
    meaning:
      "No Pod of the current template is ready, so nobody has confirmed the issuer's keys yet. The operator may not read the issuer's CA, and so didn't ask itself.",
    cure: 'Run the command in the message. If it stays: see that the Pods reach spec.auth.oidc.issuerURL, in their log.',
  },
  NotInherited: {
    on: ['OIDCReady'],
    meaning:
      'spec.auth.oidc is left out, and neither the FrontProxy that spec.kcp.frontProxyRef names nor its RootShard has a usable spec.auth.oidc to take over: kcp believes a webhook, a token file or something set by arguments.',
    cure: 'Set spec.auth.oidc.',
  },
  Mismatch: {
    on: ['OIDCReady'],
    meaning:
      'The issuer or the audience differs from that of the front-proxy which the kubeconfig is for, so kcp would refuse the tokens of callers. The server goes on as the spec says.',
    cure: 'Set the fields that the message names to what the front-proxy has.',
  },
  InvalidCA: {
    on: ['OIDCReady'],
    meaning: 'What spec.auth.oidc.caRef, or caFileRef of the FrontProxy, names holds no CERTIFICATE block.',
    cure: 'Put the CA there, in PEM.',
  },

  // CertificateReady
  Issued: { on: ['CertificateReady'], meaning: 'cert-manager has issued the certificate.' },
  ProvidedByEdge: {
    on: ['CertificateReady'],
    meaning: 'TLS ends before the Pods (spec.tls.termination Edge), with a certificate that is kept there.',
  },
  Provided: {
    on: ['CertificateReady'],
    meaning:
      'The Secret that spec.tls.secretName names is used. If the operator may read it, its certificate is valid and made out to the right names.',
  },
  Issuing: {
    on: ['CertificateReady'],
    meaning: 'cert-manager is at work on the certificate.',
    cure: 'If it stays: run the kubectl command of the message.',
  },
  IssuanceFailed: {
    on: ['CertificateReady'],
    meaning: 'cert-manager could not get the certificate and will try again.',
    cure: 'See the message, which is that of cert-manager, and the issuer.',
  },
  IssuerNotFound: {
    on: ['CertificateReady'],
    meaning: 'The Issuer or ClusterIssuer that spec.tls.issuerRef names does not exist.',
    cure: 'Create it, or correct spec.tls.issuerRef.',
  },
  IssuerNotReady: {
    on: ['CertificateReady'],
    meaning: 'The Issuer or ClusterIssuer that spec.tls.issuerRef names is there, but cert-manager cannot use it.',
    cure: 'Run the kubectl command of the message: its conditions say why.',
  },
  InvalidCertificate: {
    on: ['CertificateReady'],
    meaning: 'The Secret that spec.tls.secretName names holds no certificate that can be used now.',
    cure: 'Put one there: tls.crt in PEM, its chain after it, and its key in tls.key.',
  },
  HostnameMismatch: {
    on: ['CertificateReady'],
    meaning:
      'The certificate in the Secret that spec.tls.secretName names is not made out to the hostname, or not to all of spec.tls.dnsNames.',
    cure: 'Put one there that is, or correct the names in the spec.',
  },
  CertificateExpired: {
    on: ['CertificateReady'],
    meaning: 'The certificate has expired.',
    cure: 'See that cert-manager runs, or renew the Secret that spec.tls.secretName names.',
  },

  // Available
  MinimumReplicasAvailable: { on: ['Available'], meaning: 'Enough Pods are ready.' },
  RollingOut: { on: ['Available'], meaning: 'Pods of a new template are starting.' },
  MinimumReplicasUnavailable: {
    on: ['Available'],
    meaning: 'Too few Pods are ready.',
    cure: 'Run the kubectl command of the message, and read the log of the Pods.',
  },
  ImagePullFailed: {
    on: ['Available'],
    meaning: "A Pod can't get the image of the server, or one of another container. The message has kubelet's words.",
    cure: 'Correct spec.deployment.image, push the image, or name credentials in spec.deployment.imagePullSecrets.',
  },
  CrashLoopBackOff: {
    on: ['Available'],
    meaning: 'The server ends again and again; the message has its exit code.',
    cure: 'Run the kubectl command of the message, which shows its last words.',
  },
  ContainerNotStarted: {
    on: ['Available'],
    meaning: "A container can't be started, for another reason than its image. The message has kubelet's words.",
    cure: 'Run the kubectl command of the message.',
  },
  Unschedulable: {
    on: ['Available'],
    meaning: "No node takes a Pod. The message has the scheduler's words.",
    cure: 'Free or add nodes, or change resources, nodeSelector, tolerations or affinity in spec.deployment.',
  },
  FailedCreate: {
    on: ['Available'],
    meaning: 'The cluster refuses the Pods: a quota, an admission policy, Pod Security.',
    cure: 'Change what the message names.',
  },
  ProgressDeadlineExceeded: {
    on: ['Available'],
    meaning: 'The Deployment has not become ready in its time.',
    cure: 'As for MinimumReplicasUnavailable.',
  },
  ScaledToZero: {
    on: ['Available'],
    meaning: 'The Deployment has no replicas, so nobody answers.',
    cure: 'Set spec.deployment.replicas (kubectl scale kcpmcp/NAME does); where it is left out, kubectl scale the Deployment does, too.',
  },

  // Exposed
  ServiceReady: { on: ['Exposed'], meaning: 'The Service exists, with an address if its type asks for one.' },
  IngressReady: { on: ['Exposed'], meaning: 'An ingress controller serves the Ingress at the address in the message.' },
  RouteAccepted: { on: ['Exposed'], meaning: 'Every parent that spec.exposure.gateway names serves the route.' },
  AddressPending: {
    on: ['Exposed'],
    meaning: 'The load balancer of the Service, or the Ingress, has no address yet.',
    cure: 'If it stays: see whether the cluster has something that serves Services of type LoadBalancer, or Ingresses of this class.',
  },
  RoutePending: {
    on: ['Exposed'],
    meaning: 'A parent of the route has not answered to it, or to the BackendTLSPolicy, yet.',
    cure: 'If it stays: see whether the Gateway exists, and whether its controller runs and knows the kind that the message names.',
  },
  RouteNotAccepted: {
    on: ['Exposed'],
    meaning:
      "The gateway does not serve the route, or can't check the Pods' certificate. The message holds its own reason and message.",
    cure: 'Do what the message says.',
  },
  HostnameTaken: {
    on: ['Exposed'],
    meaning:
      'Another KcpMcpServer exposes the host name in the same place: an Ingress of the same class, the same listener. Who serves a name keeps it; of two that do not yet, the older one gets it.',
    cure: 'Set another host name, or delete the one that the message names.',
  },
} as const satisfies Record<string, ReasonDoc>;

const namesOf = <T extends object>(docs: T) =>
  Object.fromEntries(Object.keys(docs).map((name) => [name, name])) as { readonly [K in keyof T]: K };

export type ConditionType = keyof typeof types;
/** Condition types by name: `ConditionType.Ready`. */
export const ConditionType = namesOf(types);

export type Reason = keyof typeof reasons;
/** Reasons by name: `Reason.NotFound`. */
export const Reason = namesOf(reasons);

/** What makes up Ready, in the order in which the first that is not True gives its reason and message. */
export const CAUSES = [
  'KubeconfigReady',
  'CertificateReady',
  'OIDCReady',
  'ConfigReady',
  'Available',
  'Exposed',
] as const satisfies readonly ConditionType[];

/** What is told beside that: Ready doesn't depend on it. */
export const NOTES = ['KcpReachable'] as const satisfies readonly ConditionType[];

export const typeDocs: Readonly<Record<ConditionType, TypeDoc>> = types;
export const reasonDocs: Readonly<Record<Reason, ReasonDoc>> = reasons;
