import type { SecureContext } from "node:tls";
import type { StreamHandle } from "../node-bindings.ts";

/*
 * The native class behind node:tls. As with the bindings of node-bindings.ts, its shape is looked at before it is used,
 * and a real handshake is tried with it (tls-trial.ts); where either fails, sockets of node:tls do the work.
 */

/** Whoever has a handle's callbacks. */
export interface TlsHandleUser {
  received(length: number): Buffer | undefined;
  handshakeDone(): void;
  tlsFailed(error: Error & { code?: string }): void;
  newSession(session: Buffer): void;
}

/** The encrypting stream over a TCP handle; it is a stream handle itself. Status codes are 0 or a negative errno. */
export interface TlsHandle extends StreamHandle {
  user: TlsHandleUser;
  onhandshakestart: (this: never) => void;
  onhandshakedone: (this: never) => void;
  onerror: (this: never, error: Error) => void;
  onnewsession: (this: never, id: Buffer, session: Buffer) => void;
  /** Bytes of the peer that were read before this was made. */
  receive(bytes: Uint8Array): void;
  /** Client: sends the ClientHello. */
  start(): void;
  setServername(name: string): void;
  setSession(session: Buffer): void;
  enableSessionCallbacks(): void;
  setVerifyMode(request: boolean, refuse: boolean): void;
  setALPNProtocols(wireFormat: Buffer): void;
  setOCSPResponse(response: Uint8Array): void;
  getServername(): string | false;
  getALPNNegotiatedProtocol(): string | false;
  getProtocol(): string;
  getCipher(): { readonly name: string };
  isSessionReused(): boolean;
  /** Null when the peer's certificate is verified; undefined or null without one. */
  verifyError(): (Error & { code?: string }) | null | undefined;
  getPeerCertificate(detailed: boolean): Record<string, unknown> | undefined;
  destroySSL(): void;
}

/** Makes the handle. The last argument: nothing of an earlier owner is being written. */
type Wrap = (handle: StreamHandle, context: object, isServer: boolean, writesBefore: boolean) => TlsHandle;

const METHODS = [
  "receive",
  "start",
  "setServername",
  "setSession",
  "enableSessionCallbacks",
  "setVerifyMode",
  "setALPNProtocols",
  "setOCSPResponse",
  "getServername",
  "getALPNNegotiatedProtocol",
  "getProtocol",
  "getCipher",
  "isSessionReused",
  "verifyError",
  "getPeerCertificate",
  "destroySSL",
  "useUserBuffer",
  "readStart",
  "readStop",
  "writeLatin1String",
  "writeBuffer",
  "writev",
  "shutdown",
];

/** `wrap` of the binding, or undefined when this Node does not have it in the shape that is known. */
export function loadTlsWrap(): Wrap | undefined {
  if (process.env["EVENKEEL_PLAIN_SOCKETS"] === "1" || process.platform === "win32") return undefined;
  try {
    const { binding } = process as unknown as { binding(name: string): Record<string, unknown> };
    const found = binding.call(process, "tls_wrap");
    const prototype = (found["TLSWrap"] as { prototype: Record<string, unknown> }).prototype;
    const has = (name: string) => typeof prototype[name] === "function";
    return typeof found["wrap"] === "function" && METHODS.every(has) ? (found["wrap"] as Wrap) : undefined;
  } catch {
    return undefined;
  }
}

/** The native part of a context of node:tls. */
export function nativeContext(context: SecureContext): object {
  return (context as unknown as { context: object }).context;
}
