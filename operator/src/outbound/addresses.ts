/** Where a host that a user named may be asked for at: this machine and its link are not for users to reach through us. */
import { lookup } from 'node:dns/promises';
import { BlockList, isIP } from 'node:net';
import { limiter } from './limit.ts';
import { OutboundError } from './errors.ts';

/** An entry of the Pods' /etc/hosts: `spec.deployment.hostAliases`. */
export interface HostAlias {
  ip: string;
  hostnames: readonly string[];
}

export interface Address {
  address: string;
  family: 4 | 6;
}

/** IPv4-mapped IPv6 addresses are taken for the IPv4 address in them. */
const local = new BlockList();
local.addSubnet('0.0.0.0', 8); // RFC 1122 §3.2.1.3: this host
local.addSubnet('127.0.0.0', 8); // loopback
local.addSubnet('169.254.0.0', 16); // RFC 3927: link-local, and with it the metadata service of clouds
local.addSubnet('224.0.0.0', 4); // multicast
local.addAddress('255.255.255.255');
local.addAddress('::', 'ipv6');
local.addAddress('::1', 'ipv6');
local.addSubnet('fe80::', 10, 'ipv6');
local.addSubnet('ff00::', 8, 'ipv6');
local.addAddress('fd00:ec2::254', 'ipv6'); // the metadata service of AWS, which is not link-local
local.addSubnet('64:ff9b::7f00:0', 104, 'ipv6'); // RFC 6052: the same through NAT64
local.addSubnet('64:ff9b::a9fe:0', 112, 'ipv6');

/** Whether an address is loopback, link-local, unspecified or multicast. Private ones (RFC 1918, RFC 4193) are not. */
export const isLocal = (address: string): boolean => local.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');

const LOOKUP_MS = 5_000;

/** getaddrinfo holds a thread of Node's four for as long as the DNS takes, and files are read with those, too. */
const oneOfTwo = limiter(2);

export interface ResolveOptions {
  /** Win over the DNS, as in the Pods. */
  aliases: readonly HostAlias[];
  allowLocal: boolean;
}

/**
 * The addresses of a host that may be connected to. They are to be used as they are: a second look could find others.
 *
 * @param host a name or an IP address, as `URL.hostname` has it
 * @throws OutboundError `dns`, `address`
 */
export async function resolve(host: string, { aliases, allowLocal }: ResolveOptions): Promise<Address[]> {
  const name = host.replace(/^\[|\]$/g, '');
  const found = isIP(name) ? [name] : aliased(name, aliases);
  const addresses = found.length > 0 ? found : await lookUp(name);
  const allowed = allowLocal ? addresses : addresses.filter((address) => !isLocal(address));
  if (allowed.length === 0) throw new OutboundError('address', name);
  return allowed.map((address) => ({ address, family: isIP(address) === 6 ? 6 : 4 }));
}

const aliased = (name: string, aliases: readonly HostAlias[]): string[] =>
  aliases
    .filter(({ ip, hostnames }) => isIP(ip) && hostnames.some((each) => each.toLowerCase() === name.toLowerCase()))
    .map(({ ip }) => ip);

function lookUp(name: string): Promise<string[]> {
  const { promise, resolve, reject } = Promise.withResolvers<string[]>();
  // Which of its errors getaddrinfo gives depends on who didn't answer: nobody could act on the difference.
  const fail = (): void => {
    reject(new OutboundError('dns', name));
  };
  // Its place is held until getaddrinfo has done with it, also when nobody waits any more: so long it has the thread, and who
  // came next would only wait there, with its own time running.
  void oneOfTwo(async () => {
    const timer = setTimeout(fail, LOOKUP_MS).unref();
    try {
      resolve((await lookup(name, { all: true })).map(({ address }) => address));
    } catch {
      fail();
    } finally {
      clearTimeout(timer);
    }
  });
  return promise;
}
