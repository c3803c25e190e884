/** Priorities that a client has sent ahead of the requests that they are for (RFC 9218 7.1). */
export class IdlePriorities {
  private known: Map<number, number> | null = null;

  get size(): number {
    return this.known === null ? 0 : this.known.size;
  }

  set(stream: number, priority: number): void {
    this.known ??= new Map();
    this.known.set(stream, priority);
  }

  has(stream: number): boolean {
    return this.known !== null && this.known.has(stream);
  }

  /** The priority of a stream that opens now, or -1; those of streams below it will not be needed any more. */
  take(stream: number): number {
    const { known } = this;
    if (known === null) return -1;
    const priority = known.get(stream) ?? -1;
    for (const id of known.keys()) if (id <= stream) known.delete(id);
    if (known.size === 0) this.known = null;
    return priority;
  }
}
