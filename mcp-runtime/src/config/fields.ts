import * as z from 'zod';
import { parseDuration } from './duration.ts';

// The kinds of value that config.toml has. A message completes the sentence "KEY = VALUE …" and ends with what to write instead.

/** A key upstream knows and we don't act on yet. */
export const notYet = (cure: string) => z.never({ error: `is not supported yet; ${cure}` }).optional();

/** A key with one value that we can honour; every other value is refused. */
export const only = <T extends string | boolean>(value: T, error: string) =>
  z.literal(value, { error }).default(value as never);

export const flag = (byDefault: boolean) =>
  z.boolean({ error: 'must be true or false, without quotes' }).default(byDefault);

export const text = (error: string) => z.string({ error }).min(1, { error });

export const names = (error: string) => z.array(z.string({ error }).min(1, { error }), { error });

export const port = (byDefault: string) => {
  const error = `must be a port number in quotes, such as "${byDefault}"`;
  return z
    .string({ error })
    .regex(/^\d{1,5}$/, { error })
    .refine((value) => Number(value) <= 65_535, { error })
    .default(byDefault);
};

const DURATION = 'must be a duration such as "30s", "500ms" or "1m30s"';

/** A Go duration; milliseconds once parsed. */
export const duration = (byDefault: string, { min = 0 } = {}) =>
  z
    .string({ error: DURATION })
    .transform((value, context) => {
      const milliseconds = parseDuration(value);
      if (milliseconds === undefined) context.addIssue({ code: 'custom', message: DURATION });
      else if (milliseconds < min) context.addIssue({ code: 'custom', message: `must be at least ${min} ms` });
      return milliseconds ?? z.NEVER;
    })
    .prefault(byDefault);

const isLoopback = (hostname: string) =>
  hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname);

/** An https URL without credentials, query and fragment; a trailing slash is kept (an issuer's name may end in one: OpenID Connect Discovery §4.3). */
export const httpsUrl = (example: string, { httpOnLoopback = false } = {}) => {
  const error = `must be an https URL such as "${example}"`;
  return z.string({ error }).refine(
    (value) => {
      const url = URL.canParse(value) ? new URL(value) : undefined;
      if (url === undefined || /[?#]/.test(value) || url.username !== '' || url.password !== '') return false;
      return url.protocol === 'https:' || (httpOnLoopback && url.protocol === 'http:' && isLoopback(url.hostname));
    },
    { error },
  );
};

const POSITIVE = 'must be a whole number greater than 0';

export const positive = z.number({ error: POSITIVE }).int({ error: POSITIVE }).positive({ error: POSITIVE });

const HOST = 'must be host names such as "mcp.example.com", without scheme, port, path or wildcard';

/** `Host` names, lower-cased; IPv6 addresses in brackets. */
export const hosts = z
  .array(
    z
      .string({ error: HOST })
      .regex(/^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)$/i, { error: HOST })
      .toLowerCase(),
    { error: HOST },
  )
  .default([]);

const ORIGIN = 'must be origins such as "https://inspector.example.com": scheme and host, no path; "*" is not accepted';

/** Web origins as browsers send them (RFC 6454 §6.2). */
export const origins = z
  .array(
    z
      .string({ error: ORIGIN })
      .refine((value) => /^https?:/.test(value) && URL.canParse(value) && new URL(value).origin === value, {
        error: ORIGIN,
      }),
    { error: ORIGIN },
  )
  .default([]);
