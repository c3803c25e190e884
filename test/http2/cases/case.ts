import type { Http2ConnectionOptions } from "../../../src/http2/peer.ts";
import type { RecordedConnection } from "../support/recorded-connection.ts";

/** Bytes of the peer, or something that the user does. */
export type Step = Buffer | ((recorded: RecordedConnection) => void);

/** One rule of an RFC: what is sent to a connection, and which frames it has to answer with. */
export interface Case {
  /** Section of RFC 9113, or of the RFC that is named. */
  rfc: string;
  name: string;
  steps: readonly Step[];
  /** All frames that come out, in order. */
  frames: readonly string[];
  /** Events of users and owner, where they matter. */
  events?: readonly string[];
  options?: Partial<Http2ConnectionOptions>;
  /** The peer's settings, other than the defaults. */
  peerSettings?: Readonly<Record<number, number>>;
  /** Nothing was exchanged before, not even SETTINGS. */
  bare?: boolean;
}

/** The connection ends with that code; streams up to `last` may have been worked on. */
export const goneAway = (code: string, last = 0): string[] => [`GOAWAY ${last} ${code}`];
