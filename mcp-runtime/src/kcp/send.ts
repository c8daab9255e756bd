import type { Dispatcher } from 'undici';

/** An answer but for its body. */
export type ResponseHead = Pick<Dispatcher.ResponseData, 'statusCode' | 'headers'>;

/**
 * Sends one request and hands the answer's body on as it comes.
 *
 * Does for a body that is read at once what `Dispatcher#request` does for one that is read sometime: its stream is half of the work
 * of a small answer.
 *
 * @param take if it throws, the rest is never read.
 * @throws what `take` throws, the signal's reason once that fires, else an error of undici's.
 */
export function send(
  dispatcher: Dispatcher,
  { signal, ...options }: Dispatcher.DispatchOptions & { signal: AbortSignal },
  take: (chunk: Buffer) => void,
): Promise<ResponseHead> {
  const { promise, resolve, reject } = Promise.withResolvers<ResponseHead>();
  let controller: Dispatcher.DispatchController | undefined;
  let head: ResponseHead = { statusCode: 0, headers: {} };
  const end = () => {
    signal.removeEventListener('abort', cancel);
  };
  const fail = (error: Error) => {
    end();
    reject(error);
    controller?.abort(error);
  };
  const cancel = () => {
    fail(signal.reason as Error);
  };
  signal.addEventListener('abort', cancel, { once: true });
  dispatcher.dispatch(options, {
    onRequestStart(started) {
      controller = started;
      if (signal.aborted) started.abort(signal.reason as Error);
    },
    onResponseStart(_, statusCode, headers) {
      // 1xx come before the answer.
      if (statusCode >= 200) head = { statusCode, headers };
    },
    onResponseData(_, chunk) {
      try {
        take(chunk);
      } catch (error) {
        fail(error as Error);
      }
    },
    onResponseEnd() {
      end();
      resolve(head);
    },
    onResponseError(_, error) {
      end();
      reject(error);
    },
  });
  return promise;
}
