/** A kubeconfig that can't be used. The message names the field and says what to write instead; it holds no values of credentials. */
export class KubeconfigError extends Error {
  override readonly name = 'KubeconfigError';
}

/** One that would be right if its user had credentials. */
export class NoCredentialsError extends KubeconfigError {}
