import { FIELD_NAMES, fieldIdOfBytes } from "../../http1/fields.ts";
import type { Field, FieldList } from "../field-list.ts";
import { DecodedField, nameProblem, valueProblem } from "./decoded-field.ts";
import { DecoderTable } from "./decoder-table.ts";
import { decodeHuffman, maxDecodedLength } from "./huffman-decoder.ts";
import { STATIC_COUNT, STATIC_FIELDS } from "./static-table.ts";

/** Size of the dynamic table before settings were exchanged (RFC 9113 6.5.2). */
const INITIAL_TABLE_SIZE = 4096;

/** Above every length and index that can be right; integers up to here are cheap. */
const MAX_INTEGER = 0x3fffffff;
const MAX_CONTINUATION_BYTES = 5;

const BAD_INDEX = "an index is outside the tables";
const BAD_INTEGER = "an integer is cut off or too large";
const BAD_STRING = "a string is longer than the block";
const BAD_HUFFMAN = "a Huffman code is malformed";
const LATE_SIZE_UPDATE = "a size update stands behind a field";
const LARGE_SIZE_UPDATE = "a size update is above the announced table size";
const MISSING_SIZE_UPDATE = "a size update is missing after the table size was reduced";

/** Stands for a field that is beyond the limits. The list does not take it either. */
const UNWANTED: Field = new DecodedField(":unwanted", "", 0, "");

/**
 * Huffman-coded strings are decoded here; all decoders share it, because nothing stays in it. It grows with the longest
 * string, which is at most 8/5 of a header block.
 */
let scratch = Buffer.allocUnsafeSlow(4096);

/** Decodes the header blocks of one direction of a connection, in order (RFC 7541). */
export class HpackDecoder {
  private readonly table = new DecoderTable(INITIAL_TABLE_SIZE);
  private readonly announced: number;
  /** What size updates may ask for. The peer may use the initial size until it has taken our settings. */
  private maxTableSize: number;
  private updateRequired = false;

  /** Where reading goes on, and why it cannot. */
  private position = 0;
  private problem = "";
  /** The string that was read last: stringBytes[stringStart, stringEnd). */
  private stringBytes: Buffer = scratch;
  private stringStart = 0;
  private stringEnd = 0;

  /** @param maxTableSize bytes of the dynamic table, as our SETTINGS_HEADER_TABLE_SIZE announces it */
  constructor(maxTableSize: number) {
    this.announced = maxTableSize;
    this.maxTableSize = Math.max(maxTableSize, INITIAL_TABLE_SIZE);
  }

  /**
   * The peer has acknowledged our settings: from now on the announced size holds, and a table that is larger has to be made
   * smaller by a size update at the start of the next block (RFC 7541 4.2).
   */
  settingsAcknowledged(): void {
    this.maxTableSize = this.announced;
    this.updateRequired = this.table.maxSize > this.announced;
  }

  /**
   * Decodes the whole header block bytes[from, to) and adds its fields to the list, which keeps its limits. Returns null, or a
   * sentence about what is malformed: the connection cannot go on then (COMPRESSION_ERROR, RFC 9113 4.3).
   */
  decode(bytes: Buffer, from: number, to: number, fields: FieldList): string | null {
    this.position = from;
    let atStart = true;
    while (this.position < to) {
      const byte = bytes[this.position];
      if (byte >= 0x80) {
        const index = byte < 0xff ? (this.position++, byte & 0x7f) : this.integer(bytes, to, 0x7f);
        const field = this.fieldAt(index);
        if (field === null) return this.problem;
        if (this.updateRequired) return MISSING_SIZE_UPDATE;
        fields.add(field);
      } else if (byte >= 0x20 && byte < 0x40) {
        const size = this.integer(bytes, to, 0x1f);
        if (size < 0) return this.problem;
        if (!atStart) return LATE_SIZE_UPDATE;
        if (size > this.maxTableSize) return LARGE_SIZE_UPDATE;
        this.updateRequired = false;
        this.table.setMaxSize(size);
        continue;
      } else {
        if (this.updateRequired) return MISSING_SIZE_UPDATE;
        const indexed = byte >= 0x40;
        // What neither the table nor the list takes is read, because it has to be well-formed, but not made into texts.
        const field = this.literal(bytes, to, indexed ? 0x3f : 0x0f, indexed || !fields.overflow);
        if (field === null) return this.problem;
        if (indexed) {
          flatten(field.line);
          this.table.add(field);
        }
        fields.add(field);
      }
      atStart = false;
    }
    return null;
  }

  /** The field with that index; null if there is none. */
  private fieldAt(index: number): Field | null {
    if (index > 0 && index <= STATIC_COUNT) return STATIC_FIELDS[index];
    const age = index - STATIC_COUNT - 1;
    if (age >= 0 && age < this.table.count) return this.table.at(age);
    if (index >= 0) this.problem = BAD_INDEX;
    return null;
  }

  /** Reads a literal field (RFC 7541 6.2), whose name may be an index. Null with `problem` set if it is malformed. */
  private literal(bytes: Buffer, to: number, prefixMask: number, wanted: boolean): Field | null {
    const index = this.integer(bytes, to, prefixMask);
    let name = "";
    let id = 0;
    let problem = "";
    if (index === 0) {
      if (!this.string(bytes, to)) return null;
      const { stringBytes, stringStart, stringEnd } = this;
      problem = nameProblem(stringBytes, stringStart, stringEnd);
      if (problem === "") id = fieldIdOfBytes(stringBytes, stringStart, stringEnd);
      if (wanted) name = id === 0 ? stringBytes.latin1Slice(stringStart, stringEnd) : FIELD_NAMES[id];
    } else {
      const named = this.fieldAt(index);
      if (named === null) return null;
      name = named.name;
      id = named.id;
      // What was wrong with the other field's value says nothing about this one; its name is looked at anew.
      if (named.problem !== "") problem = problemOfName(name);
    }
    if (!this.string(bytes, to)) return null;
    if (!wanted) return UNWANTED;
    const { stringBytes, stringStart, stringEnd } = this;
    if (problem === "") problem = valueProblem(stringBytes, stringStart, stringEnd);
    return new DecodedField(name, stringBytes.latin1Slice(stringStart, stringEnd), id, problem);
  }

  /** Reads an integer (RFC 7541 5.1) whose first byte has these bits for it; -1 with `problem` set if it is malformed. */
  private integer(bytes: Buffer, to: number, prefixMask: number): number {
    const prefix = bytes[this.position++] & prefixMask;
    if (prefix < prefixMask) return prefix;
    let value = prefixMask;
    let factor = 1;
    for (let i = 0; i < MAX_CONTINUATION_BYTES && this.position < to; i++) {
      const byte = bytes[this.position++];
      value += (byte & 0x7f) * factor;
      if (value > MAX_INTEGER) break;
      if (byte < 0x80) return value;
      factor *= 128;
    }
    this.problem = BAD_INTEGER;
    return -1;
  }

  /** Reads a string (RFC 7541 5.2) and says where its bytes are; false with `problem` set if it is malformed. */
  private string(bytes: Buffer, to: number): boolean {
    if (this.position >= to) {
      this.problem = BAD_STRING;
      return false;
    }
    const huffman = bytes[this.position] >= 0x80;
    const length = this.integer(bytes, to, 0x7f);
    if (length < 0) return false;
    const start = this.position;
    const end = start + length;
    if (end > to) {
      this.problem = BAD_STRING;
      return false;
    }
    this.position = end;
    if (!huffman) {
      this.stringBytes = bytes;
      this.stringStart = start;
      this.stringEnd = end;
      return true;
    }
    const room = maxDecodedLength(length);
    if (room > scratch.length) scratch = Buffer.allocUnsafeSlow(Math.max(room, scratch.length * 2));
    const decoded = decodeHuffman(bytes, start, end, scratch);
    this.stringBytes = scratch;
    this.stringStart = 0;
    this.stringEnd = decoded;
    if (decoded >= 0) return true;
    this.problem = BAD_HUFFMAN;
    return false;
  }
}

function problemOfName(name: string): string {
  const bytes = Buffer.from(name, "latin1");
  return nameProblem(bytes, 0, bytes.length);
}

/** Asking for a character joins the pieces that a text was concatenated of, once for all heads that the line will be part of. */
function flatten(line: string): number {
  return line.length > 0 ? line.charCodeAt(0) : 0;
}
