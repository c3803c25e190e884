/**
 * What waits to be written as one: text (latin1) and bytes in order. Bytes are borrowed as long as their writer cannot
 * change them (between `cork` and `uncork`) and copied otherwise.
 */
export class WriteQueue {
  /** Bytes in it. */
  length = 0;
  #pieces: (string | Uint8Array)[] = [];
  /** From here on the pieces are borrowed. */
  #borrowedFrom = 0;

  /** Adds a piece whose bytes stay as they are until the queue is taken or `copyBorrowed` is called. */
  add(piece: string | Uint8Array): void {
    this.#pieces.push(piece);
    this.length += piece.length;
  }

  addCopy(piece: string | Uint8Array): void {
    this.add(typeof piece === "string" ? piece : Buffer.from(piece));
    this.#borrowedFrom = this.#pieces.length;
  }

  copyBorrowed(): void {
    for (let i = this.#borrowedFrom; i < this.#pieces.length; i++) {
      const piece = this.#pieces[i]!;
      if (typeof piece !== "string") this.#pieces[i] = Buffer.from(piece);
    }
    this.#borrowedFrom = this.#pieces.length;
  }

  /** The only piece, taken out; null when there are several. */
  takeSingle(): string | Uint8Array | null {
    if (this.#pieces.length !== 1) return null;
    const piece = this.#pieces[0]!;
    this.#clear();
    return piece;
  }

  /** All pieces, each followed by its encoding, as `writev` of a handle takes them; the queue is empty then. */
  takeAll(): unknown[] {
    const list: unknown[] = [];
    for (const piece of this.#pieces) list.push(piece, typeof piece === "string" ? "latin1" : "buffer");
    this.#clear();
    return list;
  }

  #clear(): void {
    this.#pieces = [];
    this.#borrowedFrom = 0;
    this.length = 0;
  }
}
