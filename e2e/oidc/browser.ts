import type { Fetch } from './http.ts';

export interface LoginOptions {
  fetch: Fetch;
  /** Where the client sent the browser. */
  authorizationURL: URL;
  /** Where the issuer is to send it back to. */
  redirectURI: string;
  user: string;
  password: string;
}

const maxSteps = 20;

/**
 * What a person with a browser does: follows the redirects to the login form, fills it, and follows them back.
 * Works with any issuer that has a plain form with a user name and a password (ours, Keycloak).
 *
 * @returns the address that the browser was sent back to, with `code` or `error` in its query
 * @throws when the issuer shows something else than that form, or the form again (wrong password)
 */
export async function logInByForm(options: LoginOptions): Promise<URL> {
  const jar = new CookieJar();
  let url = options.authorizationURL;
  let form: URLSearchParams | undefined;
  let submitted = false;
  for (let step = 0; step < maxSteps; step++) {
    const response = await options.fetch(url, {
      redirect: 'manual',
      headers: { cookie: jar.header(url), accept: 'text/html', 'user-agent': 'Mozilla/5.0 (headless sign-in)' },
      ...(form ? { method: 'POST', body: form } : {}),
    });
    jar.store(url, response);
    form = undefined;
    const location = response.headers.get('location');
    if (response.status >= 300 && response.status < 400 && location !== null) {
      await response.body?.cancel();
      url = new URL(location, url);
      if (url.href.startsWith(options.redirectURI)) return url;
      continue;
    }
    const page = await response.text();
    const login = findForm(page);
    if (submitted || !login) throw new Error(`sign-in as ${options.user} failed: ${describe(response, page)}`);
    form = login.fields;
    form.set(login.userField, options.user);
    form.set(login.passwordField, options.password);
    url = new URL(login.action, url);
    submitted = true;
  }
  throw new Error(`sign-in as ${options.user} failed: more than ${maxSteps} redirects`);
}

interface Form {
  action: string;
  fields: URLSearchParams;
  userField: string;
  passwordField: string;
}

function findForm(page: string): Form | undefined {
  const form = /<form\b[^>]*>[\s\S]*?<\/form>/i.exec(page)?.[0];
  if (form === undefined) return undefined;
  const inputs = [...form.matchAll(/<input\b[^>]*>/gi)].map((match) => match[0]);
  const passwordField = inputs.find((input) => attribute(input, 'type') === 'password');
  const userField = inputs.find((input) => ['text', 'email', ''].includes(attribute(input, 'type')));
  if (passwordField === undefined || userField === undefined) return undefined;
  const fields = new URLSearchParams();
  for (const input of inputs) {
    if (attribute(input, 'type') === 'hidden') fields.set(attribute(input, 'name'), attribute(input, 'value'));
  }
  const action = attribute(/<form\b[^>]*>/i.exec(form)?.[0] ?? '', 'action');
  return { action, fields, userField: attribute(userField, 'name'), passwordField: attribute(passwordField, 'name') };
}

function attribute(tag: string, name: string): string {
  const value = new RegExp(`\\s${name}="([^"]*)"`, 'i').exec(tag)?.[1] ?? '';
  return value.replace(/&#(\d+);/g, (_all, code: string) => String.fromCharCode(Number(code))).replace(/&amp;/g, '&');
}

/** The page's own words about what is wrong (its alert, else its title); never the form's content. */
function describe(response: Response, page: string): string {
  const alert = /role="alert"[^>]*>([^<]*)</i.exec(page)?.[1] ?? /<title>([^<]*)<\/title>/i.exec(page)?.[1];
  return `HTTP ${response.status}: ${alert?.trim() ?? 'no login form on the page'}`;
}

/** Cookies by origin. Paths are ignored: the issuers here give each cookie a name of its own. */
class CookieJar {
  readonly #cookies = new Map<string, Map<string, string>>();

  store(url: URL, response: Response): void {
    const cookies = this.#cookies.get(url.origin) ?? new Map<string, string>();
    this.#cookies.set(url.origin, cookies);
    for (const header of response.headers.getSetCookie()) {
      const [pair = '', ...attributes] = header.split(';').map((part) => part.trim());
      const separator = pair.indexOf('=');
      const [name, value] = [pair.slice(0, separator), pair.slice(separator + 1)];
      const expires = attributes.find((text) => /^expires=/i.test(text))?.slice('expires='.length);
      if (value === '' || (expires !== undefined && Date.parse(expires) < Date.now())) cookies.delete(name);
      else cookies.set(name, value);
    }
  }

  header(url: URL): string {
    return [...(this.#cookies.get(url.origin) ?? [])].map(([name, value]) => `${name}=${value}`).join('; ');
  }
}
