import type { Bindings, StreamHandle } from "./node-bindings.ts";

/** What libuv says of a socket that is not connected any more (Linux). */
const UV_ENOTCONN = -107;
/** `shutdown` is done already. */
const DONE_AT_ONCE = 1;

/**
 * Ends a handle's sending half, behind what was written. `done` is told how it went, 0 or a negative errno, never before
 * this returns. That nobody is connected any more is a good end.
 */
export function shutDown(bindings: Bindings, handle: StreamHandle, done: (status: number) => void): void {
  const request = new bindings.ShutdownWrap();
  request.oncomplete = (status) => done(status === UV_ENOTCONN ? 0 : status);
  const status = handle.shutdown(request);
  // Answered in a turn of its own, like the usual case: the caller does not expect to be closed when this returns.
  if (status !== 0) queueMicrotask(() => done(status === DONE_AT_ONCE || status === UV_ENOTCONN ? 0 : status));
}
