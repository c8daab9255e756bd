// spec.networkPolicy: who may reach the Pods, and whom they may reach. Peers and ports are those of
// networking.k8s.io/v1 NetworkPolicy.
import * as z from 'zod';
import { atomicList, cel } from './fields.ts';
import { labelSelector } from './label-selector.ts';

const IPV4 = '((25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])\\\\.){3}(25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])/(3[0-2]|[12]?[0-9])';
const IPV6 = '[0-9a-fA-F:]*:[0-9a-fA-F:.]*/(12[0-8]|1[01][0-9]|[1-9]?[0-9])';

/** An IP range in CIDR notation (RFC 4632, RFC 4291 §2.3). CEL's own isCIDR would need Kubernetes 1.31. */
const cidr = () =>
  z
    .string()
    .min(1)
    .max(64)
    .meta(
      cel({
        rule: `self.matches('^(${IPV4}|${IPV6})$')`,
        message: 'must be an IP range in CIDR notation, for instance 10.0.0.0/8, 203.0.113.7/32 or 2001:db8::/32',
      }),
    );

const peer = z
  .object({
    ipBlock: z
      .object({
        cidr: cidr().describe('The range, for instance 10.0.0.0/8.'),
        except: atomicList(cidr(), 32).describe('Ranges within cidr that are left out.').optional(),
      })
      .describe('Addresses, for what is outside of the cluster. Excludes the selectors.')
      .optional(),
    namespaceSelector: labelSelector(
      'Namespaces, by their labels; with {} all of them. The one of this resource when left out.',
    ).optional(),
    podSelector: labelSelector('Pods in these namespaces, by their labels; all of them when left out.').optional(),
  })
  .meta(
    cel({
      rule: 'has(self.ipBlock) != (has(self.namespaceSelector) || has(self.podSelector))',
      message: 'must have either ipBlock, or namespaceSelector or podSelector or both',
    }),
  );

const port = z
  .object({
    protocol: z.enum(['TCP', 'UDP', 'SCTP']).describe('Protocol of the port.').default('TCP'),
    port: z.int32().min(1).max(65_535).describe('The port, or the first one with endPort.'),
    endPort: z.int32().min(1).max(65_535).describe('Last port of a range.').optional(),
  })
  .meta(
    cel({
      rule: '!has(self.endPort) || self.endPort >= self.port',
      message: 'endPort must not be below port',
      fieldPath: '.endPort',
    }),
  );

const ingress = z
  .object({
    from: atomicList(peer, 32)
      .min(1)
      .describe('Who may reach the endpoint: load balancers, ingress controllers, clients. Everybody when left out.')
      .optional(),
    metricsFrom: atomicList(peer, 32)
      .min(1)
      .describe(
        "Who may reach the port of /metrics, /healthz and /readyz. Only the node's kubelet, which is always let in, when left out.",
      )
      .optional(),
  })
  .describe('Who may reach the Pods: everybody the endpoint, and only the kubelet the rest, when left out.');

const egress = z
  .object({
    cidrs: atomicList(cidr(), 32)
      .min(1)
      .describe('Ranges that kcp and the issuer are in. Any address when left out: a NetworkPolicy cannot name hosts.')
      .optional(),
    additional: atomicList(
      z.object({
        cidr: cidr().describe('Where; any address when left out.').optional(),
        ports: atomicList(port, 16).min(1).describe('Ports that are reached there.'),
      }),
      32,
    )
      .describe(
        "What else the Pods may reach, for instance the port behind a Service of kcp's front-proxy, kcp's shards with inventory Index, an issuer's keys at another port, or DNS at another one than 53.",
      )
      .optional(),
  })
  .describe('Whom the Pods may reach: DNS (port 53), and the ports of kcp and of the issuer, as their URLs say.');

export const networkPolicySchema = z
  .object({ ingress: ingress.prefault({}), egress: egress.prefault({}) })
  .describe(
    'A NetworkPolicy for the Pods; none when left out, and {} is a policy with all the defaults. It takes a network plugin that enforces policies.',
  );
