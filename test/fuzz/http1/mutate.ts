/** A generator of pseudo-random numbers (mulberry32): the same seed gives the same inputs on every machine. */
export class Chance {
  private state: number;
  constructor(seed: number) {
    this.state = seed >>> 0;
  }
  /** An integer in [0, bound). */
  below(bound: number): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), this.state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296) * bound);
  }
  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)];
  }
}

/** What parsers stumble over. */
const SNIPPETS = [
  "\r\n", "\n", "\r", "\r\r\n", "\n\n", "\0", " ", "\t", "\x0b", "\x7f", "\x80", "\xff", ":", ",", ";", ";a=b", "0", "1", "5", "a", "F",
  "+", "-", "0x", "_", "\"", "chunked", "identity", "gzip, ", ", chunked", "Content-Length: 5\r\n", "Content-Length: 0\r\n",
  "Transfer-Encoding: chunked\r\n", "Transfer-Encoding: gzip, chunked\r\n", "Transfer-Encoding : chunked\r\n",
  "Connection: close\r\n", "Connection: keep-alive\r\n", "Connection: upgrade\r\nUpgrade: x\r\n", "Host: other\r\n",
  "Expect: 100-continue\r\n", " folded\r\n", "X: y\r\n", "0\r\n\r\n", "5\r\nhello\r\n", "ffffffffffffffff\r\n",
  "GET / HTTP/1.1\r\nHost: h\r\n\r\n", "HTTP/1.0", "HTTP/1.1", "HTTP/2.0", "%2e", "/../", "?", "#", "http://h", "*",
]; // prettier-ignore

/** Changes a text in one to four places. */
export function mutate(text: string, chance: Chance, others: readonly string[]): string {
  let result = text;
  for (let times = chance.below(4); times >= 0; times--) result = mutateOnce(result, chance, others);
  return result;
}

function mutateOnce(text: string, chance: Chance, others: readonly string[]): string {
  const at = chance.below(text.length + 1);
  const to = Math.min(text.length, at + 1 + chance.below(4));
  switch (chance.below(9)) {
    case 0:
      return text.slice(0, at) + String.fromCharCode(chance.below(256)) + text.slice(at + 1);
    case 1:
      return text.slice(0, at) + text.slice(to);
    case 2:
    case 3:
      return text.slice(0, at) + chance.pick(SNIPPETS) + text.slice(at);
    case 4: {
      // A snippet at the start of a line, where it is most likely to be taken for one.
      const line = text.indexOf("\r\n", at);
      return line < 0 ? text : text.slice(0, line + 2) + chance.pick(SNIPPETS) + text.slice(line + 2);
    }
    case 5: {
      // A line twice.
      const start = text.lastIndexOf("\n", at - 1) + 1;
      const end = text.indexOf("\n", at) + 1;
      return end <= start ? text : text.slice(0, end) + text.slice(start, end) + text.slice(end);
    }
    case 6: {
      const other = chance.pick(others);
      return text.slice(0, at) + other.slice(chance.below(other.length));
    }
    case 7: {
      // The case of a letter.
      const byte = text.charCodeAt(at) || 0;
      return text.slice(0, at) + String.fromCharCode((byte ^ 32) & 255) + text.slice(at + 1);
    }
    default:
      return text.slice(0, at) + chance.pick(SNIPPETS) + text.slice(to);
  }
}
