/** Something that is due at a time. `place` belongs to the heap; it is −1 outside. */
export interface Due {
  due: number;
  place: number;
}

/**
 * What is due next, among thousands: a binary heap in which each item knows its place, so that one can be moved or
 * taken out in O(log n).
 */
export class DueHeap<Item extends Due> {
  readonly #items: Item[] = [];

  get size(): number {
    return this.#items.length;
  }

  /** The item that is due first. */
  get first(): Item | undefined {
    return this.#items[0];
  }

  /** Adds an item, or moves it when it is there already. */
  put(item: Item, due: number): void {
    item.due = due;
    if (item.place === -1) {
      item.place = this.#items.length;
      this.#items.push(item);
    }
    this.#up(item);
    this.#down(item);
  }

  /** Takes an item out; nothing happens when it is not there. */
  remove(item: Item): void {
    const { place } = item;
    if (place === -1) return;
    const last = this.#items.pop()!;
    item.place = -1;
    if (last === item) return;
    this.#set(last, place);
    this.#up(last);
    this.#down(last);
  }

  #up(item: Item): void {
    while (item.place > 0) {
      const above = this.#items[(item.place - 1) >> 1]!;
      if (above.due <= item.due) return;
      this.#swap(item, above);
    }
  }

  #down(item: Item): void {
    for (;;) {
      const left = this.#items[2 * item.place + 1];
      const right = this.#items[2 * item.place + 2];
      const below = left !== undefined && right !== undefined && right.due < left.due ? right : left;
      if (below === undefined || below.due >= item.due) return;
      this.#swap(item, below);
    }
  }

  #swap(a: Item, b: Item): void {
    const { place } = a;
    this.#set(a, b.place);
    this.#set(b, place);
  }

  #set(item: Item, place: number): void {
    item.place = place;
    this.#items[place] = item;
  }
}
