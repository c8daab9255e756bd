import { createHash } from 'node:crypto';

/** kcp's base 36: of bytes, with a "0" for each leading zero byte. */
function base36(bytes: Uint8Array): string {
  const digits = BigInt(`0x${Buffer.from(bytes).toString('hex')}`).toString(36);
  const first = bytes.findIndex((byte) => byte !== 0);
  return first < 0 ? '0'.repeat(bytes.length) : '0'.repeat(first) + digits;
}

function sha224(text: string): Buffer {
  return createHash('sha224').update(text).digest();
}

/** The logical cluster of a user's home workspace (kcp's `HomeClusterName`). */
export function homeClusterOf(user: string): string {
  return base36(sha224(user).subarray(0, 8));
}

/** How kcp abbreviates a shard's name in annotations. */
export function shardHashOf(shard: string): string {
  return base36(sha224(shard)).slice(0, 8);
}
