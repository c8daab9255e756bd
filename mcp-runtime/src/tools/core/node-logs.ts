import { InvalidPathError } from '../../kcp/paths.ts';

/** Whether a query names a file or folder rather than a service, as kubelet tells them apart. */
export function isFileQuery(query: string): boolean {
  return /[/\\]/.test(query);
}

/**
 * The path of a log file below `/var/log`, which may stand before it. A folder keeps its "/" at the end.
 * @throws {InvalidPathError} where it would lead out of there.
 */
export function logFilePath(query: string): string {
  const path = query
    .replaceAll('\\', '/')
    .replace(/^\/+/, '')
    .replace(/^var\/log(\/|$)/, '');
  const segments = path.replace(/\/$/, '').split('/');
  const safe = segments.every((segment) => segment !== '.' && segment !== '..' && !/[\p{Cc}%]/u.test(segment));
  const empty = path !== '' && segments.includes('');
  if (!safe || empty || !path.isWellFormed()) {
    throw new InvalidPathError(
      `query ${JSON.stringify(query.slice(0, 80))} is not valid: write a file in /var/log, such as "/kube-proxy.log", without "." and ".." and "%"`,
    );
  }
  return path;
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', '#34': '"', '#39': "'" };

/** The names in a folder, from the page that Go's file server makes of it; empty for any other text. */
export function folderEntries(page: string): string[] {
  if (!/^(<!doctype html>\n<meta [^>]*>\n)?<pre>\n/.test(page)) return [];
  return [...page.matchAll(/^<a href="[^"]*">(.*)<\/a>$/gm)].map(([, name = '']) =>
    name.replaceAll(/&(amp|lt|gt|#34|#39);/g, (entity, code: string) => ENTITIES[code] ?? entity),
  );
}
