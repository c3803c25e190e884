/** An unusual request that must pass, and what the server must see. */
export interface GoodRequest {
  readonly name: string;
  readonly rfc: string;
  /** Exactly what is sent, latin1. */
  readonly bytes: string;
  /** For each request in `bytes`, in order, what the server sees. */
  readonly seen: readonly Seen[];
  /** True when the proxy must close the connection after the last answer. */
  readonly closes?: boolean;
}

export interface Seen {
  /** GET when absent. */
  readonly method?: string;
  /** "/" when absent. */
  readonly target?: string;
  /** Field → value that it must have; undefined: it must not be there. Names in lower case. */
  readonly headers?: Readonly<Record<string, string | undefined>>;
  /** Lines that must be there as they stand. */
  readonly lines?: readonly string[];
  readonly body?: string;
}

/** A head of these lines. */
export function head(...lines: string[]): string {
  return `${lines.join("\r\n")}\r\n\r\n`;
}

/** A GET with these lines behind Host. */
export function get(...lines: string[]): string {
  return head("GET / HTTP/1.1", "Host: a", ...lines);
}
