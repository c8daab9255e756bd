export interface LoginPage {
  /** Where the form is posted to. */
  action: string;
  /** The client that asks; its registered name is anyone's text and is escaped here. */
  clientName: string;
  /** Host that the browser is sent back to after sign-in. */
  redirectHost: string;
  username?: string;
  error?: string;
}

/** The issuer's only page: user name, password, and what went wrong with the last try. */
export function renderLoginPage(page: LoginPage): string {
  return document(
    'Sign in',
    `<h1>Sign in</h1>
    <p><strong>${escapeHTML(page.clientName)}</strong> asks to use kcp in your name.
      You will be sent back to <code>${escapeHTML(page.redirectHost)}</code>.</p>
    ${page.error === undefined ? '' : `<p role="alert">${escapeHTML(page.error)}</p>`}
    <form method="post" action="${escapeHTML(page.action)}">
      <label for="username">User name</label>
      <input id="username" name="username" value="${escapeHTML(page.username ?? '')}" autocomplete="username" autocapitalize="none" required autofocus>
      <label for="password">Password</label>
      <input id="password" name="password" type="password" autocomplete="current-password" required>
      <button type="submit">Sign in</button>
    </form>`,
  );
}

/** A page for a sign-in that can't go on: what happened and what to do. */
export function renderErrorPage(title: string, detail: string): string {
  return document(title, `<h1>${escapeHTML(title)}</h1><p role="alert">${escapeHTML(detail)}</p>`);
}

function document(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>${escapeHTML(title)}</title>
    <style>
      :root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
      body { display: grid; place-items: center; min-height: 100vh; margin: 0; }
      main { width: min(22rem, 90vw); }
      label { display: block; margin-top: 1rem; }
      input, button { width: 100%; box-sizing: border-box; padding: 0.6rem; font: inherit; }
      button { margin-top: 1.5rem; cursor: pointer; }
      [role='alert'] { padding: 0.5rem 0.75rem; border-left: 4px solid #c62828; background: #c6282822; }
    </style>
  </head>
  <body>
    <main>
    ${body}
    </main>
  </body>
</html>
`;
}

function escapeHTML(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${String(character.charCodeAt(0))};`);
}
