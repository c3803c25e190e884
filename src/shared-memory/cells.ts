/** Adds 1 unless the cell has reached `max` (0: no limit). Compare-and-swap, so the count never exceeds it. */
export function tryIncrement(cells: Int32Array<SharedArrayBuffer>, cell: number, max: number): boolean {
  if (max === 0) {
    Atomics.add(cells, cell, 1);
    return true;
  }
  let seen = Atomics.load(cells, cell);
  while (seen < max) {
    const found = Atomics.compareExchange(cells, cell, seen, seen + 1);
    if (found === seen) return true;
    seen = found;
  }
  return false;
}

/** Subtracts a lane's count from the shared cell and clears it. */
export function takeBack(
  cells: Int32Array<SharedArrayBuffer>,
  cell: number,
  lane: Float64Array<SharedArrayBuffer> | Int32Array<SharedArrayBuffer>,
  place: number,
): void {
  const count = lane[place]!;
  if (count === 0) return;
  lane[place] = 0;
  Atomics.sub(cells, cell, count);
}

/** Place of a status in a lane's six status counters: 0 for none, else its first digit. */
export function statusClass(status: number): number {
  return status >= 100 && status < 600 ? (status / 100) | 0 : 0;
}
