import { equalsIgnoreCase } from "./characters.ts";
import { FIELD_NAMES, FieldId, HOP_BY_HOP, fieldId } from "./fields.ts";

const INITIAL_FIELDS = 32;

/**
 * The field lines of one message, kept as the text in which they came. Lookups scan offsets; nothing is copied or built
 * per field. Valid until the next `reset`.
 */
export class HeaderBlock {
  /** Everything received, one character per byte (latin1); offsets count in it. */
  text = "";
  /** Number of field lines. */
  count = 0;
  /** `FieldId` of each field. */
  ids: Uint8Array = new Uint8Array(INITIAL_FIELDS);
  /** Four per field: start and end of the name, start and end of the value without the white space around it. */
  offsets: Int32Array = new Int32Array(INITIAL_FIELDS * 4);
  /** Where the first field line starts. */
  linesStart = 0;
  /** Just behind the last field line's CRLF, where the blank line's CRLF stands. */
  linesEnd = 0;
  /** Just behind the blank line. */
  end = 0;
  /** Whether a Connection field names other fields, so that `keptLines` has to look. */
  nominates = false;
  /** Where scanning goes on; state of the parser. */
  position = 0;
  /** Part of the field line that scanning goes on in (see field-lines.ts); state of the parser. */
  fieldPhase = 0;

  /** Forgets all fields; the arrays are kept. */
  resetFields(): void {
    this.text = "";
    this.count = 0;
    this.linesStart = 0;
    this.linesEnd = 0;
    this.end = 0;
    this.nominates = false;
    this.position = 0;
    this.fieldPhase = 0;
  }

  /** Makes room for one more field. */
  grow(): void {
    const ids = new Uint8Array(this.ids.length * 2);
    ids.set(this.ids);
    this.ids = ids;
    const offsets = new Int32Array(this.offsets.length * 2);
    offsets.set(this.offsets);
    this.offsets = offsets;
  }

  /** Index of the first field of that name (lower case) from `from` on; -1 if there is none. */
  indexOf(name: string, from = 0): number {
    const { text, count, offsets } = this;
    for (let i = from; i < count; i++) {
      if (equalsIgnoreCase(text, offsets[i * 4], offsets[i * 4 + 1], name)) return i;
    }
    return -1;
  }

  /** Index of the first field with that id from `from` on; -1 if there is none. */
  indexOfId(id: number, from = 0): number {
    const { ids, count } = this;
    for (let i = from; i < count; i++) if (ids[i] === id) return i;
    return -1;
  }

  /** Value of the field at that index. */
  valueAt(index: number): string {
    return this.text.slice(this.offsets[index * 4 + 2], this.offsets[index * 4 + 3]);
  }

  /** Name of the field at that index, as received. */
  nameAt(index: number): string {
    return this.text.slice(this.offsets[index * 4], this.offsets[index * 4 + 1]);
  }

  /** Value of the first field of that name (lower case). */
  get(name: string): string | undefined {
    const index = this.indexOf(name);
    return index < 0 ? undefined : this.valueAt(index);
  }

  /** Value of the first field with that id. */
  getById(id: number): string | undefined {
    const index = this.indexOfId(id);
    return index < 0 ? undefined : this.valueAt(index);
  }

  /** Values of all fields of that name (lower case), in order. */
  all(name: string): string[] {
    const values: string[] = [];
    for (let i = this.indexOf(name); i >= 0; i = this.indexOf(name, i + 1)) values.push(this.valueAt(i));
    return values;
  }

  /** Whether there is a field with that id. */
  has(id: number): boolean {
    return this.indexOfId(id) >= 0;
  }

  /** Value of the first cookie of that name in the Cookie fields, as received (RFC 6265 4.2.1). Names are case-sensitive. */
  cookie(name: string): string | undefined {
    for (let i = this.indexOfId(FieldId.cookie); i >= 0; i = this.indexOfId(FieldId.cookie, i + 1)) {
      const value = findCookie(this.text, this.offsets[i * 4 + 2], this.offsets[i * 4 + 3], name);
      if (value !== undefined) return value;
    }
    return undefined;
  }

  /** Whether a Connection field names that field (lower case) and is allowed to (see `mayBeNominated`). */
  nominated(name: string): boolean {
    return this.nominates && mayBeNominated(name) && this.nominations().has(name);
  }

  /**
   * All field lines as received, without those whose id is marked in `drop`, those that a Connection field nominates, and
   * those whose name (lower case) is in `dropNames`. As few slices of the text as possible: one if nothing is dropped.
   */
  keptLines(drop: Uint8Array, dropNames?: ReadonlySet<string>): string {
    const { text, count, ids, offsets } = this;
    const nominations = this.nominates ? this.nominations() : undefined;
    let kept = "";
    let from = this.linesStart;
    for (let i = 0; i < count; i++) {
      const id = ids[i];
      if (drop[id] !== 1) {
        if (nominations === undefined && dropNames === undefined) continue;
        const name = id === 0 ? this.nameAt(i).toLowerCase() : FIELD_NAMES[id];
        if (nominations?.has(name) !== true && dropNames?.has(name) !== true) continue;
      }
      const start = offsets[i * 4];
      if (start > from) kept += text.slice(from, start);
      from = i + 1 < count ? offsets[i * 4 + 4] : this.linesEnd;
    }
    const rest = text.slice(from, this.linesEnd);
    return kept === "" ? rest : kept + rest;
  }

  /** Names (lower case) that Connection fields nominate and may nominate. */
  private nominations(): Set<string> {
    const names = new Set<string>();
    for (let i = this.indexOfId(FieldId.connection); i >= 0; i = this.indexOfId(FieldId.connection, i + 1)) {
      for (const option of this.valueAt(i).toLowerCase().split(",")) {
        const name = option.trim();
        if (name !== "" && mayBeNominated(name)) names.add(name);
      }
    }
    return names;
  }
}

/**
 * Whether a Connection field can make that field (lower case) one of this connection only. RFC 9110 7.6.1 wants every
 * nominated field removed and forbids to nominate those meant for all recipients; a client that does so all the same
 * wants to strip what a proxy before us has set (X-Forwarded-For, Authorization …) or to change the framing. So the fields
 * that we know and that are not hop-by-hop anyway stay, and so does every X-Forwarded-*; the unknown ones go.
 */
export function mayBeNominated(name: string): boolean {
  const id = fieldId(name, 0, name.length);
  // The body goes on as it was framed: without the line that says so, the server would take it for the next request.
  if (id === FieldId.transferEncoding) return false;
  if (id !== 0) return HOP_BY_HOP[id] === 1;
  return !name.startsWith("x-forwarded-");
}

function findCookie(text: string, start: number, end: number, name: string): string | undefined {
  let from = start;
  while (from < end) {
    let to = text.indexOf(";", from);
    if (to < 0 || to > end) to = end;
    while (from < to && (text.charCodeAt(from) === 32 || text.charCodeAt(from) === 9)) from++;
    const valueStart = from + name.length + 1;
    if (valueStart <= to && text.charCodeAt(valueStart - 1) === 61 && text.startsWith(name, from)) {
      let valueEnd = to;
      while (valueEnd > valueStart && (text.charCodeAt(valueEnd - 1) === 32 || text.charCodeAt(valueEnd - 1) === 9))
        valueEnd--;
      return text.slice(valueStart, valueEnd);
    }
    from = to + 1;
  }
  return undefined;
}
