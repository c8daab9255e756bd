// The field types that several parts of a KcpMcpServer share. Every string and list is bounded, because the API server
// refuses CEL rules whose worst-case cost it can't estimate (KEP-2876).
import * as z from 'zod';

/** One `x-kubernetes-validations` entry: a CEL rule that the API server enforces, with the message a user sees. */
export interface CelRule {
  rule: string;
  message: string;
  /** CEL expression that builds a message with values in it; `message` is used when it fails. */
  messageExpression?: string;
  /** Path, relative to the schema that carries the rule, of the field that the error names. */
  fieldPath?: string;
  reason?: 'FieldValueInvalid' | 'FieldValueForbidden' | 'FieldValueRequired';
}

/** Metadata that puts CEL rules on a schema. */
export const cel = (...rules: CelRule[]) => ({ 'x-kubernetes-validations': rules });

const LABEL = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const SUBDOMAIN = `${LABEL}(\\.${LABEL})*`;

/** Name of an object: a DNS-1123 subdomain (RFC 1123 §2.1), as the API server wants for Secrets and most kinds. */
export const objectName = (description: string) =>
  z
    .string()
    .min(1)
    .max(253)
    .regex(new RegExp(`^${SUBDOMAIN}$`))
    .describe(description);

/** Name of a kind, as Kubernetes writes them: CamelCase. */
export const kindName = (description: string) =>
  z
    .string()
    .min(1)
    .max(63)
    .regex(/^[A-Za-z][A-Za-z0-9]*$/)
    .describe(description);

/** Name of a namespace: a DNS-1123 label. */
export const namespaceName = (description: string) =>
  z
    .string()
    .min(1)
    .max(63)
    .regex(new RegExp(`^${LABEL}$`))
    .describe(description);

/** Key of a ConfigMap or Secret. */
export const dataKey = (description: string) =>
  z
    .string()
    .min(1)
    .max(253)
    .regex(/^[-._a-zA-Z0-9]+$/)
    .describe(description);

/** RFC 6749 appendix A.1: client_id, which kcp knows as audience, is made of VSCHAR. It is shown in terminals. */
export const clientID = (description: string) =>
  z
    .string()
    .min(1)
    .max(512)
    .regex(/^[ -~]+$/)
    .describe(description);

/** A host name in lower case, no wildcard, no IP address. */
export const dnsName = () =>
  z
    .string()
    .min(1)
    .max(253)
    .meta(
      cel({
        rule: `self.matches('^${SUBDOMAIN.replaceAll('\\', '\\\\')}$') && !self.matches('^[0-9.]+$')`,
        message: 'must be a DNS name in lower case without scheme, port or wildcard, for instance mcp.example.com',
      }),
    );

/** An https URL without user, query and fragment. What else it must be is up to the field. */
export const httpsURL = (rules: CelRule[] = []) =>
  z
    .string()
    .min(1)
    .max(2048)
    .meta(
      cel(
        {
          // RFC 3986 §2: a URL is printable ASCII. It is shown in terminals.
          rule: "self.matches('^https://[!-~]+$') && self.matches('^https://[^/?#@]+(/[^?#]*)?$') && isURL(self)",
          message: 'must be an https URL without user, query and fragment, for instance https://auth.example.com',
        },
        ...rules,
      ),
    );

/** Pattern of a Go duration in hours, minutes and seconds; short enough that CEL's `duration()` can't overflow. */
export const DURATION_PATTERN = '^([0-9]{1,6}h)?([0-9]{1,7}m)?([0-9]{1,8}s)?$';

/** A duration such as `2160h` or `1h30m`. */
export const duration = (rules: CelRule[] = []) =>
  z
    .string()
    .min(2)
    .max(32)
    .meta(
      cel(
        {
          rule: `self.matches('${DURATION_PATTERN}')`,
          message: 'must be a duration of hours, minutes and seconds, for instance 2160h or 1h30m',
        },
        ...rules,
      ),
    );

/** A list whose items are unique; two managers' items are merged by server-side apply. */
export const setOf = <T extends z.ZodType>(item: T, max: number) =>
  z.array(item).max(max).meta({ 'x-kubernetes-list-type': 'set' });

/** A list of objects that are told apart by `keys`; server-side apply merges two managers' entries by them. */
export const mapOf = <T extends z.ZodType>(item: T, max: number, keys: string[]) =>
  z.array(item).max(max).meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': keys });

/** A list that one manager owns as a whole. */
export const atomicList = <T extends z.ZodType>(item: T, max: number) =>
  z.array(item).max(max).meta({ 'x-kubernetes-list-type': 'atomic' });

/** Labels, annotations, node selectors: a map of strings. Server-side apply merges it by key. */
export const stringMap = (max: number) =>
  z.record(z.string(), z.string().max(65_536)).meta({ maxProperties: max, 'x-kubernetes-map-type': 'granular' });

/** A reference that one manager owns as a whole: half of it replaced would point at something nobody named. */
export const ATOMIC_MAP = { 'x-kubernetes-map-type': 'atomic' } as const;
