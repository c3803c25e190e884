import { bytesEqualIgnoreCase } from "../../http1/characters.ts";
import { FIELD_COUNT, FIELD_NAMES, FieldId, fieldIdOfBytes } from "../../http1/fields.ts";
import { receivedBytes } from "../../http1/received-bytes.ts";
import { BlockWriter, INDEXED, NEVER_INDEXED, SIZE_UPDATE, WITHOUT_INDEXING, WITH_INDEXING } from "./block-writer.ts";
import { EncoderTable, EncoderEntry, NO_ENTRY } from "./encoder-table.ts";
import {
  AT_ONCE,
  CONNECTION_SPECIFIC,
  COOKIES,
  MIN_INDEXED_COOKIE,
  NEVER,
  ON_SECOND_SIGHT,
  POLICIES,
} from "./indexing-policy.ts";
import { STATIC, STATIC_FIELDS, staticIndexOfName } from "./static-table.ts";

/** Size of the dynamic table before settings were exchanged, and the largest that we use, whatever the peer allows. */
const TABLE_SIZE = 4096;
/** A field that would take more than this part of the table is not indexed: it would throw too much out. */
const LARGEST_PART = 0.5;

/** Number of hashes of lines that are remembered, to know what comes a second time. */
const SEEN = 256;

/** Index of a name in the static table, by `FieldId`; 0 for those that are not there. */
const STATIC_INDICES = new Uint8Array(FIELD_COUNT);
for (let id = 1; id < FIELD_COUNT; id++) STATIC_INDICES[id] = staticIndexOfName(FIELD_NAMES[id]);

const NOTHING_NAMED: readonly EncoderEntry[] = STATIC_FIELDS.map(() => NO_ENTRY);

/** Index of `:status` with that value; 0 for other codes. */
const STATUS_INDICES = new Uint8Array(1000);
STATIC_FIELDS.forEach((field, index) => {
  if (field.name === ":status") STATUS_INDICES[Number(field.value)] = index;
});

/**
 * Encodes the header blocks of one direction of a connection (RFC 7541): `begin`, then the fields, then the block is
 * buffer[0, length). It has to be sent, and in this order: the peer's table changes with every block.
 *
 * Fields come as lines of HTTP/1.1, and a line that is in the dynamic table becomes its index without being taken
 * apart: first the line that followed the one before it the last time is tried, then all.
 */
export class HpackEncoder extends BlockWriter {
  /** The block under way leaves the dynamic table alone. */
  independent = false;

  private readonly table = new EncoderTable(TABLE_SIZE);
  /** Table sizes that the peer has to be told of with the next block: the smallest that held since the last one, and the last; -1 if none. */
  private smallestSize = -1;
  private newSize = -1;
  /** Hashes of lines that were met and not indexed, by their lowest bits. */
  private readonly seen = new Int32Array(SEEN);
  /** Stands before the first line of a block, and what came last in this one. */
  private readonly start = new EncoderEntry("", "", 0, -1, NO_ENTRY);
  private previous: EncoderEntry = this.start;
  /** What `named` has indexed last, by index of the name. */
  private readonly lastNamed: EncoderEntry[] = NOTHING_NAMED.slice();

  /** The peer's SETTINGS_HEADER_TABLE_SIZE; it is told what we make of it at the start of the next block (RFC 7541 4.2). */
  setMaxTableSize(size: number): void {
    const bounded = Math.min(size, TABLE_SIZE);
    if (this.newSize < 0 && bounded === this.table.maxSize) return;
    this.smallestSize = this.newSize < 0 ? bounded : Math.min(this.smallestSize, bounded);
    this.newSize = bounded;
  }

  /**
   * Starts a block.
   *
   * @param independent it neither reads nor changes the dynamic table, so that it may be sent later than blocks that are
   * begun after it: trailers that wait behind a body
   */
  begin(independent = false): void {
    this.empty();
    this.independent = independent;
    this.previous = this.start;
    if (this.newSize < 0) return;
    this.reserve(16);
    if (this.smallestSize < this.newSize) this.integer(SIZE_UPDATE, 0x1f, this.smallestSize);
    this.integer(SIZE_UPDATE, 0x1f, this.newSize);
    // A block that may be late tells it, too, in case that it is the first; the next one of the others puts it into effect.
    if (independent) return;
    this.table.setMaxSize(this.smallestSize);
    this.table.setMaxSize(this.newSize);
    this.newSize = -1;
  }

  /** Adds `:status`. */
  status(code: number): void {
    const index = STATUS_INDICES[code];
    if (index !== 0) this.indexed(index);
    else this.named(STATIC.status200, String(code), true);
  }

  /** Adds a field of the static table, or any other that has this index. */
  indexed(index: number): void {
    this.reserve(8);
    this.integer(INDEXED, 0x7f, index);
  }

  /**
   * Adds a field whose name is that of an entry of the static table: a pseudo-header, mostly.
   *
   * @param atOnce it goes into the dynamic table the first time already
   */
  named(nameIndex: number, value: string, atOnce: boolean): void {
    const last = this.lastNamed[nameIndex];
    if (!this.independent && last.value === value && this.table.holds(last)) {
      this.indexed(this.table.indexOf(last));
      return;
    }
    const { name } = STATIC_FIELDS[nameIndex];
    const line = `${name}: ${value}\r\n`;
    const found = this.independent ? undefined : this.table.find(line);
    if (found !== undefined) {
      this.lastNamed[nameIndex] = found;
      this.indexed(this.table.indexOf(found));
      return;
    }
    const bytes = receivedBytes(line, 0, line.length);
    const from = name.length + 2;
    const to = line.length - 2;
    if (this.fits(to - 2) && (atOnce || this.wasSeen(hashOf(bytes, 0, to)))) {
      this.lastNamed[nameIndex] = this.insert(line, bytes, 0, name.length, from, to, nameIndex);
    } else this.literal(WITHOUT_INDEXING, bytes, 0, name.length, from, to, nameIndex);
  }

  /** Adds a field, pseudo-headers included. A sensitive one is marked so that no intermediary indexes it (RFC 7541 6.2.3). */
  field(name: string, value: string, sensitive = false): void {
    const line = `${name}: ${value}\r\n`;
    if (!sensitive) {
      this.lines(line, 0, line.length);
      return;
    }
    const bytes = receivedBytes(line, 0, line.length);
    const nameIndex = staticIndexOfName(name.toLowerCase());
    this.literal(NEVER_INDEXED, bytes, 0, name.length, name.length + 2, line.length - 2, nameIndex);
  }

  /**
   * Adds the field lines text[from, to) of HTTP/1.1, which are valid and each end in CRLF. Names become lower case, and
   * what belongs to a connection (RFC 9113 8.2.2) is left out.
   */
  lines(text: string, from: number, to: number): void {
    const { table, independent } = this;
    let bytes: Uint8Array | null = null;
    let { previous } = this;
    let at = from;
    while (at < to) {
      let entry: EncoderEntry | undefined = previous.next;
      let end = at + entry.line.length;
      // Comparing a slice takes a third of the time of `startsWith`.
      if (independent || !table.holds(entry) || end > to || text.slice(at, end) !== entry.line) {
        end = text.indexOf("\r\n", at) + 2;
        if (end < 2 || end > to) break;
        entry = independent ? undefined : table.find(text.slice(at, end));
        if (entry === undefined) {
          bytes ??= receivedBytes(text, at, to);
          entry = this.newLine(bytes, at, end - 2);
          at = end;
          if (entry !== NO_ENTRY) previous = previous.next = entry;
          continue;
        }
        previous.next = entry;
      }
      this.indexed(table.indexOf(entry));
      previous = entry;
      at = end;
    }
    this.previous = previous;
  }

  /** Adds the line bytes[start, end), which is not in the table. Returns its entry, or NO_ENTRY if it has got none. */
  private newLine(bytes: Uint8Array, start: number, end: number): EncoderEntry {
    // A pseudo-header's name begins with a colon.
    let nameEnd = start + 1;
    while (nameEnd < end && bytes[nameEnd] !== 58) nameEnd++;
    let from = nameEnd + 1;
    let to = end;
    while (from < to && isSpace(bytes[from])) from++;
    while (to > from && isSpace(bytes[to - 1])) to--;
    const id = fieldIdOfBytes(bytes, start, nameEnd);
    if (CONNECTION_SPECIFIC[id] === 1) return NO_ENTRY;
    if (id === FieldId.te && !bytesEqualIgnoreCase(bytes, from, to, "trailers")) return NO_ENTRY;
    if (id === FieldId.unknown && bytesEqualIgnoreCase(bytes, start, nameEnd, "http2-settings")) return NO_ENTRY;
    let policy = POLICIES[id];
    if (COOKIES[id] === 1 && to - from < MIN_INDEXED_COOKIE) policy = NEVER;
    const nameIndex = STATIC_INDICES[id];
    if (policy === NEVER) this.literal(NEVER_INDEXED, bytes, start, nameEnd, from, to, nameIndex);
    else if (
      this.fits(nameEnd - start + to - from) &&
      (policy === AT_ONCE || (policy === ON_SECOND_SIGHT && this.wasSeen(hashOf(bytes, start, end))))
    ) {
      // The table outlives the text, so it gets a copy.
      const line = (bytes as Buffer).latin1Slice(start, end + 2);
      return this.insert(line, bytes, start, nameEnd, from, to, nameIndex);
    } else this.literal(WITHOUT_INDEXING, bytes, start, nameEnd, from, to, nameIndex);
    return NO_ENTRY;
  }

  /** Whether a line with that hash was met and not indexed lately; remembers it if not. */
  private wasSeen(hash: number): boolean {
    const slot = hash & (SEEN - 1);
    if (this.seen[slot] === hash) return true;
    this.seen[slot] = hash;
    return false;
  }

  /** Whether name and value of that length may go into the table. */
  private fits(length: number): boolean {
    return !this.independent && length + 32 <= this.table.maxSize * LARGEST_PART;
  }

  /** Adds a literal that is indexed, Huffman-coded where that is shorter: it is written once and used often. */
  private insert(
    line: string,
    bytes: Uint8Array,
    start: number,
    nameEnd: number,
    from: number,
    to: number,
    nameIndex: number,
  ): EncoderEntry {
    const index = nameIndex || staticIndexOfName(line.slice(0, nameEnd - start).toLowerCase());
    this.literal(WITH_INDEXING, bytes, start, nameEnd, from, to, index);
    return this.table.add(line, line.slice(from - start, to - start), nameEnd - start + to - from);
  }
}

function hashOf(bytes: Uint8Array, from: number, to: number): number {
  let hash = -2128831035;
  for (let i = from; i < to; i++) hash = Math.imul(hash ^ bytes[i], 16777619);
  // 0 is what an empty slot has.
  return hash === 0 ? 1 : hash;
}

function isSpace(byte: number): boolean {
  return byte === 32 || byte === 9;
}
