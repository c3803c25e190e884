import { Positions } from "./positions.ts";
import { LineIndex, MAX_DEPTH, MAX_VALUES, type ParsedSource } from "./source.ts";

/**
 * Reads strict JSON (RFC 8259) with the place of every value, and refuses repeated names in an object. Stops at the
 * first mistake. Never throws.
 */
export function parseJson(text: string): ParsedSource {
  const reader = new JsonReader(text);
  try {
    return { value: reader.readAll(), positions: reader.positions, problems: [] };
  } catch (error) {
    // Anything else is the regular expressions running out of stack on an enormous text.
    const [offset, message] = error instanceof JsonMistake ? [error.offset, error.message] : [0, "too big to be read"];
    const problem = { ...new LineIndex(text).position(offset), message };
    return { value: undefined, positions: reader.positions, problems: [problem] };
  }
}

class JsonMistake extends Error {
  readonly offset: number;

  constructor(offset: number, message: string) {
    super(message);
    this.offset = offset;
  }
}

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
// oxlint-disable-next-line no-control-regex -- RFC 8259 section 7: control characters must be escaped
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[\dA-Fa-f]{4}))*"/y;
const SPACE = /[ \t\r\n]*/y;
const WORDS: readonly [string, unknown][] = [
  ["true", true],
  ["false", false],
  ["null", null],
];

class JsonReader {
  readonly positions = new Positions();
  readonly #text: string;
  readonly #lines: LineIndex;
  #offset = 0;
  #values = 0;

  constructor(text: string) {
    this.#text = text;
    this.#lines = new LineIndex(text);
  }

  readAll(): unknown {
    this.#skipSpace();
    const value = this.#read([], undefined);
    if (this.#offset < this.#text.length) this.#fail("not JSON: something follows after the end");
    return value;
  }

  #read(path: (string | number)[], keyOffset: number | undefined): unknown {
    const key = keyOffset === undefined ? undefined : this.#lines.position(keyOffset);
    this.positions.set(path, this.#lines.position(this.#offset), key);
    if (path.length > MAX_DEPTH) this.#fail(`nested more than ${MAX_DEPTH} levels deep`);
    if (++this.#values > MAX_VALUES) this.#fail(`more than ${MAX_VALUES} values`);
    const value = this.#readValue(path);
    this.#skipSpace();
    return value;
  }

  #readValue(path: (string | number)[]): unknown {
    const char = this.#text[this.#offset];
    if (char === "{") return this.#readObject(path);
    if (char === "[") return this.#readArray(path);
    if (char === '"') return this.#readString();
    for (const [word, value] of WORDS) {
      if (this.#text.startsWith(word, this.#offset)) {
        this.#offset += word.length;
        return value;
      }
    }
    const number = this.#take(NUMBER);
    if (number === "") this.#fail("not JSON: a value is expected here");
    return Number(number);
  }

  #readObject(path: (string | number)[]): Record<string, unknown> {
    const result: Record<string, unknown> = {};
    this.#step();
    if (this.#accept("}")) return result;
    do {
      const start = this.#offset;
      if (this.#text[start] !== '"') this.#fail('not JSON: a name in "…" is expected here');
      const name = this.#readString();
      if (name === "__proto__" || Object.hasOwn(result, name)) {
        this.#fail(name === "__proto__" ? "this key is not allowed" : "this key is there twice", start);
      }
      this.#skipSpace();
      if (!this.#accept(":")) this.#fail("not JSON: a colon is expected here");
      result[name] = this.#read([...path, name], start);
    } while (this.#accept(","));
    if (!this.#accept("}")) this.#fail("not JSON: a comma or } is expected here");
    return result;
  }

  #readArray(path: (string | number)[]): unknown[] {
    const result: unknown[] = [];
    this.#step();
    if (this.#accept("]")) return result;
    do result.push(this.#read([...path, result.length], undefined));
    while (this.#accept(","));
    if (!this.#accept("]")) this.#fail("not JSON: a comma or ] is expected here");
    return result;
  }

  #readString(): string {
    const literal = this.#take(STRING);
    if (literal === "") this.#fail("not JSON: this text has no end, or a character that must be escaped");
    return JSON.parse(literal) as string;
  }

  #take(pattern: RegExp): string {
    pattern.lastIndex = this.#offset;
    const found = pattern.exec(this.#text)?.[0] ?? "";
    this.#offset += found.length;
    return found;
  }

  #accept(char: string): boolean {
    if (this.#text[this.#offset] !== char) return false;
    this.#step();
    return true;
  }

  #step(): void {
    this.#offset++;
    this.#skipSpace();
  }

  #skipSpace(): void {
    this.#take(SPACE);
  }

  #fail(message: string, offset = this.#offset): never {
    throw new JsonMistake(offset, message);
  }
}
