import { consistsOf, FIELD_VALUE, TOKEN } from "../../http1/characters.ts";
import type { HeaderBlock } from "../../http1/header-block.ts";

/** Fields that filters must leave alone. */
const FRAMING = new Set([
  "content-length",
  "transfer-encoding",
  "connection",
  "upgrade",
  "trailer",
  "te",
  "keep-alive",
  "proxy-connection",
  // A second Host beside a rewritten one would be read differently by every server.
  "host",
]);

/** Changes to the fields of one head: recorded, and applied in the one pass that writes the head out. */
export class HeaderEdits {
  /** Names (lower case) whose received fields do not go on. */
  readonly removed = new Set<string>();
  /** Complete lines that go on besides. */
  lines = "";
  readonly #added = new Map<string, string>();

  get(block: HeaderBlock, name: string): string | undefined {
    const added = this.#added.get(name);
    if (added !== undefined) return added;
    return this.removed.has(name) ? undefined : block.get(name);
  }

  set(name: string, value: string): void {
    this.remove(name);
    this.add(name, value);
  }

  #check(name: string): void {
    if (FRAMING.has(name.toLowerCase()))
      throw new TypeError(`${name} is the proxy's own: it says how the message is framed or where it goes`);
  }

  add(name: string, value: string): void {
    this.#check(name);
    if (name === "" || !consistsOf(TOKEN, name)) throw new TypeError(`not a field name: ${JSON.stringify(name)}`);
    if (!consistsOf(FIELD_VALUE, value)) throw new TypeError(`not a value for ${name}: ${JSON.stringify(value)}`);
    this.lines += `${name}: ${value}\r\n`;
    this.#added.set(name.toLowerCase(), value);
  }

  remove(name: string): void {
    this.#check(name);
    const lower = name.toLowerCase();
    this.removed.add(lower);
    if (!this.#added.delete(lower)) return;
    // An addition that is taken back: rare enough to look for its lines.
    this.lines = this.lines
      .split(/(?<=\r\n)/)
      .filter((line) => line.slice(0, line.indexOf(":")).toLowerCase() !== lower)
      .join("");
  }
}
