/** A kubeconfig that can't be copied. Neither `message` nor `field` ever holds a value of the source. */
export class KubeconfigError extends Error {
  override readonly name = 'KubeconfigError';
  /** The field at fault, for instance `users[].user.exec`; empty when it is the file as a whole. */
  readonly field: string;
  constructor(field: string, problem: string) {
    super(field ? `${field} ${problem}` : problem);
    this.field = field;
  }
}
