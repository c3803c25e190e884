import { ErrorCode } from "./error-code.ts";
import { FRAME_SIZE, INITIAL_WINDOW, MAX_31_BITS, readUint32 } from "./frames/frame-type.ts";
import type { Http2ConnectionOptions } from "./peer.ts";

/** Identifiers of settings (RFC 9113 6.5.2, RFC 8441 section 3, RFC 9218 2.1). */
const Setting = {
  headerTableSize: 0x1,
  enablePush: 0x2,
  maxConcurrentStreams: 0x3,
  initialWindowSize: 0x4,
  maxFrameSize: 0x5,
  maxHeaderListSize: 0x6,
  enableConnectProtocol: 0x8,
  noRfc7540Priorities: 0x9,
} as const;

const DEFAULT_TABLE_SIZE = 4096;
const MAX_FRAME_SIZE = 16_777_215;

/** What our SETTINGS says: identifiers and values in turn, without what is the default anyway. */
export function ownSettings(options: Http2ConnectionOptions): number[] {
  const server = options.role === "server";
  const pairs: number[] = [];
  if (options.headerTableSize !== DEFAULT_TABLE_SIZE) pairs.push(Setting.headerTableSize, options.headerTableSize);
  if (server) pairs.push(Setting.maxConcurrentStreams, options.maxConcurrentStreams);
  else pairs.push(Setting.enablePush, 0);
  if (options.streamWindow !== INITIAL_WINDOW) pairs.push(Setting.initialWindowSize, options.streamWindow);
  if (options.maxFrameSize !== FRAME_SIZE) pairs.push(Setting.maxFrameSize, options.maxFrameSize);
  pairs.push(Setting.maxHeaderListSize, options.maxHeadSize);
  if (server && options.enableConnectProtocol) pairs.push(Setting.enableConnectProtocol, 1);
  if (server) pairs.push(Setting.noRfc7540Priorities, 1);
  return pairs;
}

/** What the peer has told us in its SETTINGS. */
export class PeerSettings {
  private readonly peerIsServer: boolean;
  headerTableSize = DEFAULT_TABLE_SIZE;
  maxConcurrentStreams = Infinity;
  initialWindowSize = INITIAL_WINDOW;
  enableConnectProtocol = false;
  private noRfc7540Priorities = -1;
  /** SETTINGS has come. */
  received = false;

  constructor(peerIsServer: boolean) {
    this.peerIsServer = peerIsServer;
  }

  /**
   * Takes the payload of a SETTINGS frame. Returns the code of the error that one of its values is, or -1; `problem` says
   * which.
   */
  read(buffer: Buffer, from: number, to: number): number {
    for (let at = from; at < to; at += 6) {
      const error = this.set((buffer[at] << 8) | buffer[at + 1], readUint32(buffer, at + 2));
      if (error >= 0) return error;
    }
    if (this.noRfc7540Priorities < 0) this.noRfc7540Priorities = 0;
    this.received = true;
    return -1;
  }

  /** What `read` has found wrong. */
  problem = "";

  private refuse(code: number, problem: string): number {
    this.problem = problem;
    return code;
  }

  private set(setting: number, value: number): number {
    switch (setting) {
      case Setting.headerTableSize:
        this.headerTableSize = value;
        break;
      case Setting.enablePush:
        if (value > 1) return this.refuse(ErrorCode.protocolError, "ENABLE_PUSH is neither 0 nor 1");
        if (value === 1 && this.peerIsServer) return this.refuse(ErrorCode.protocolError, "a server enables push");
        break;
      case Setting.maxConcurrentStreams:
        this.maxConcurrentStreams = value;
        break;
      case Setting.initialWindowSize:
        if (value > MAX_31_BITS) return this.refuse(ErrorCode.flowControlError, "INITIAL_WINDOW_SIZE above 2^31-1");
        this.initialWindowSize = value;
        break;
      case Setting.maxFrameSize:
        if (value < FRAME_SIZE || value > MAX_FRAME_SIZE)
          return this.refuse(ErrorCode.protocolError, "MAX_FRAME_SIZE out of bounds");
        break;
      case Setting.enableConnectProtocol:
        if (value > 1) return this.refuse(ErrorCode.protocolError, "ENABLE_CONNECT_PROTOCOL is neither 0 nor 1");
        if (value === 0 && this.enableConnectProtocol)
          return this.refuse(ErrorCode.protocolError, "ENABLE_CONNECT_PROTOCOL is taken back");
        this.enableConnectProtocol = value === 1;
        break;
      case Setting.noRfc7540Priorities:
        if (value > 1) return this.refuse(ErrorCode.protocolError, "NO_RFC7540_PRIORITIES is neither 0 nor 1");
        if (this.noRfc7540Priorities >= 0 && this.noRfc7540Priorities !== value)
          return this.refuse(ErrorCode.protocolError, "NO_RFC7540_PRIORITIES has changed");
        this.noRfc7540Priorities = value;
        break;
      default:
    }
    return -1;
  }
}
