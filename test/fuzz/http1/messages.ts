/** One message as a parser has read it from a stream of bytes. */
export interface Message {
  /** Method and target, or the status. */
  readonly start: string;
  /** Names and values in turn, as received. */
  readonly fields: readonly string[];
  /** Content, latin1. */
  readonly body: string;
}

/** What a parser made of a stream: the complete messages, and the error behind the last one ("" if it waits for more or is done). */
export interface Reading {
  readonly messages: Message[];
  readonly error: string;
}
