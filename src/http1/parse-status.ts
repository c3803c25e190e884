/** What a head parser found: more bytes are needed, the head is complete, or the message is refused (`head.error`). */
export type ParseStatus = 0 | 1 | 2;

export const NEED_MORE = 0;
export const COMPLETE = 1;
export const REFUSED = 2;

/** Bounds of one message head. */
export interface HeadLimits {
  /** Bytes from the first byte to the blank line's last one. */
  readonly maxHeadSize: number;
  /** Number of field lines. */
  readonly maxHeaders: number;
}

/** Bounds of a request head. */
export interface RequestLimits extends HeadLimits {
  /** Bytes of the request line without its CRLF. */
  readonly maxRequestLine: number;
}
