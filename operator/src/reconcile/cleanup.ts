/**
 * What is no longer wanted. All children live in the namespace of their KcpMcpServer and carry an ownerReference, so
 * garbage collection takes them with it: nothing needs a finalizer. Here goes what a change of the spec leaves behind.
 */
import { CERTIFICATE } from '../api/external.ts';
import { keyOf } from '../kube/index.ts';
import { childNames } from '../resources/index.ts';
import { problemOf, isPassing } from './errors.ts';
import { isOurs, liveChild, type Run } from './run.ts';
import { fails } from './status.ts';

/** Deletes children of ours that the spec doesn't ask for any more. */
export async function prune(run: Run): Promise<void> {
  const { server, client, signal } = run;
  if (server.spec.tls.issuerRef) return;
  const name = childNames(server.metadata.name).certificate;
  const certificate = liveChild(run, CERTIFICATE, name);
  if (!certificate || !isOurs(server)(certificate)) return;
  try {
    // The Secret that cert-manager wrote stays: deleting keys is for people.
    await client.delete(CERTIFICATE, certificate.metadata, { uid: certificate.metadata.uid, signal });
  } catch (error) {
    if (isPassing(error)) throw error;
    run.report.causes.CertificateReady = fails(problemOf(error, `Certificate ${keyOf(certificate.metadata)}`));
  }
}
