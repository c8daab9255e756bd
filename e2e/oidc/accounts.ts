/** A person who can sign in at the issuer. */
export interface Account {
  /** What is typed into the login form; also the `sub` claim. */
  name: string;
  password: string;
  /** The `email` claim: the user name that kcp sees (`--oidc-username-claim=email`). */
  email: string;
  /** The `groups` claim (`--oidc-groups-claim=groups`). */
  groups: string[];
}

/** The two people of the demo and the tests: same group, different workspaces. The passwords are public on purpose. */
export const demoAccounts: readonly Account[] = [
  { name: 'alice', password: 'alice-demo', email: 'alice@example.com', groups: ['devs'] },
  { name: 'bob', password: 'bob-demo', email: 'bob@example.com', groups: ['devs'] },
];

/** The account with this name (or email) and password; undefined when either is wrong. */
export function authenticate(accounts: readonly Account[], login: string, password: string): Account | undefined {
  const typed = login.trim().toLowerCase();
  return accounts.find(
    (account) => (account.name === typed || account.email === typed) && account.password === password,
  );
}

/** The claims that id and access tokens carry about a person (OIDC core §5.1; `groups` is what Kubernetes reads). */
export function accountClaims(account: Account): {
  sub: string;
  email: string;
  email_verified: boolean;
  groups: string[];
} {
  return { sub: account.name, email: account.email, email_verified: true, groups: account.groups };
}
