/** A connection to a server, as far as what is written to the client has to do with it. */
export interface BufferLender {
  /** What was handed on still lies in the connection's read buffer: its next read must go elsewhere. */
  replaceBuffer(): void;
}
