/** What a client's connection is at. */
export type ClientState =
  typeof IDLE | typeof HEAD | typeof BODY | typeof WAIT | typeof TUNNEL | typeof LINGER | typeof CLOSED;

/** Waiting for the first byte of a request. */
export const IDLE = 0;
/** Part of a head is there. */
export const HEAD = 1;
/** A request is running and its body still coming. */
export const BODY = 2;
/** A request is running and has come completely. */
export const WAIT = 3;
/** An upgrade was answered with 101. */
export const TUNNEL = 4;
/** The last answer was sent; what still comes is thrown away until the client closes too. */
export const LINGER = 5;
export const CLOSED = 6;
