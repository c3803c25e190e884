/** A reply of Redis in RESP2, as far as checks need it. */
export type RedisReply = string | number | null | RedisError | readonly RedisReply[];

/** An error reply: `LOADING Redis is loading the dataset in memory`. */
export class RedisError {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  /** The first word, such as LOADING or NOAUTH. */
  get code(): string {
    return this.text.split(" ", 1)[0]!;
  }
}

/** What stands in the bytes: a reply and the position behind it, undefined when more is needed, or what is wrong. */
export type ParsedReply = { readonly reply: RedisReply; readonly end: number } | { readonly wrong: string } | undefined;

const MAX_LINE = 1024;
const MAX_DEPTH = 4;
const MAX_ELEMENTS = 4096;

/** Reads the reply that begins at `start`. */
export function parseReply(bytes: Buffer, start = 0, depth = 0): ParsedReply {
  const lineEnd = bytes.indexOf("\r\n", start);
  if (lineEnd < 0) return bytes.length - start > MAX_LINE ? { wrong: "a line without an end" } : undefined;
  if (lineEnd === start) return { wrong: "an empty line" };
  const line = bytes.toString("utf8", start + 1, Math.min(lineEnd, start + MAX_LINE));
  const end = lineEnd + 2;
  switch (bytes[start]) {
    case 0x2b: // +
      return { reply: line, end };
    case 0x2d: // -
      return { reply: new RedisError(line), end };
    case 0x3a: // :
      return /^[+-]?\d{1,19}$/.test(line) ? { reply: Number(line), end } : { wrong: "a number that is none" };
    case 0x24: // $
      return parseBulk(bytes, line, end);
    case 0x2a: // *
      return parseArray(bytes, line, end, depth);
    default:
      return { wrong: "an unknown kind of reply" };
  }
}

function parseBulk(bytes: Buffer, line: string, start: number): ParsedReply {
  if (line === "-1") return { reply: null, end: start };
  if (!/^\d{1,6}$/.test(line)) return { wrong: "a length that is none" };
  const end = start + Number(line);
  if (bytes.length < end + 2) return undefined;
  if (bytes[end] !== 13 || bytes[end + 1] !== 10) return { wrong: "a text that is longer than it says" };
  return { reply: bytes.toString("utf8", start, end), end: end + 2 };
}

function parseArray(bytes: Buffer, line: string, start: number, depth: number): ParsedReply {
  if (line === "-1") return { reply: null, end: start };
  if (!/^\d{1,6}$/.test(line) || Number(line) > MAX_ELEMENTS) return { wrong: "a list that is too long" };
  if (depth >= MAX_DEPTH) return { wrong: "lists that are nested too deeply" };
  const list: RedisReply[] = [];
  let at = start;
  for (let index = 0; index < Number(line); index++) {
    const element = parseReply(bytes, at, depth + 1);
    if (element === undefined || "wrong" in element) return element;
    list.push(element.reply);
    at = element.end;
  }
  return { reply: list, end: at };
}

/** A command as Redis takes it: a list of texts. */
export function encodeCommand(...words: readonly string[]): string {
  return `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join("")}`;
}
