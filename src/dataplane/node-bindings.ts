/*
 * The native classes that node:net is built on. Node does not document them; it keeps them reachable for old packages.
 * All use of them is behind `loadBindings`, which looks at the shape of what it finds, and `handlesWork` (accept.ts),
 * which tries them on a real connection: where either fails, sockets of node:net do the work.
 */

/** A libuv request in JavaScript's hands. */
export interface StreamRequest {
  oncomplete?: (this: never, status: number) => void;
}

/** A TCP handle, as far as it is used here. Status codes are 0 or a negative errno. */
export interface StreamHandle {
  onread: (this: never) => unknown;
  useUserBuffer(buffer: Uint8Array): void;
  readStart(): number;
  readStop(): number;
  writeLatin1String(request: StreamRequest, text: string): number;
  writeBuffer(request: StreamRequest, bytes: Uint8Array): number;
  writev(request: StreamRequest, pieces: unknown[], allBuffers: boolean): number;
  shutdown(request: StreamRequest): number;
  connect(request: StreamRequest, host: string, port: number): number;
  connect6(request: StreamRequest, host: string, port: number): number;
  setNoDelay(on: boolean): number;
  setKeepAlive(on: boolean, delay: number): number;
  /** Bytes that the kernel has not taken. */
  readonly writeQueueSize: number;
  close(callback?: () => void): void;
}

export interface Bindings {
  readonly TCP: new (kind: number) => StreamHandle;
  readonly TCP_SOCKET: number;
  readonly TCPConnectWrap: new () => StreamRequest;
  readonly WriteWrap: new () => StreamRequest;
  readonly ShutdownWrap: new () => StreamRequest;
  /** Where handles leave the results of their last call. */
  readonly streamBaseState: Int32Array;
  readonly kReadBytesOrError: number;
  readonly kBytesWritten: number;
  readonly kLastWriteWasAsync: number;
}

/** The bindings, or undefined when this Node does not have them in the shape that is known. */
export function loadBindings(): Bindings | undefined {
  if (process.env["EVENKEEL_PLAIN_SOCKETS"] === "1" || process.platform === "win32") return undefined;
  try {
    const binding = (process as unknown as { binding(name: string): Record<string, unknown> }).binding.bind(process);
    const tcp = binding("tcp_wrap");
    const stream = binding("stream_wrap");
    const constants = tcp["constants"] as Record<string, unknown> | undefined;
    const bindings = {
      TCP: tcp["TCP"],
      TCP_SOCKET: constants?.["SOCKET"],
      TCPConnectWrap: tcp["TCPConnectWrap"],
      WriteWrap: stream["WriteWrap"],
      ShutdownWrap: stream["ShutdownWrap"],
      streamBaseState: stream["streamBaseState"],
      kReadBytesOrError: stream["kReadBytesOrError"],
      kBytesWritten: stream["kBytesWritten"],
      kLastWriteWasAsync: stream["kLastWriteWasAsync"],
    };
    const classes = [bindings.TCP, bindings.TCPConnectWrap, bindings.WriteWrap, bindings.ShutdownWrap];
    const numbers = [
      bindings.TCP_SOCKET,
      bindings.kReadBytesOrError,
      bindings.kBytesWritten,
      bindings.kLastWriteWasAsync,
    ];
    if (classes.some((value) => typeof value !== "function")) return undefined;
    if (numbers.some((value) => typeof value !== "number") || !(bindings.streamBaseState instanceof Int32Array))
      return undefined;
    return bindings as unknown as Bindings;
  } catch {
    return undefined;
  }
}
