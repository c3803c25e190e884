import type { HealthEvent, NewHealthEvent } from "./health-event.ts";
import { MAX_EVENTS } from "./limits.ts";

/** The latest events of the node, and those who want to hear of new ones. */
export class EventLog {
  readonly #events: HealthEvent[] = [];
  readonly #listeners = new Set<(event: HealthEvent) => void>();
  #count = 0;

  /** Number of the latest event; 0 before the first. */
  get lastId(): number {
    return this.#count;
  }

  add(event: NewHealthEvent): HealthEvent {
    const numbered = { id: ++this.#count, ...event };
    this.#events[(numbered.id - 1) % MAX_EVENTS] = numbered;
    for (const listener of this.#listeners) {
      try {
        listener(numbered);
      } catch {
        // What one listener does wrong is not to keep the others, or the checks, from going on.
      }
    }
    return numbered;
  }

  /** Events that are still there and came after the one of this number, the oldest first. */
  since(id: number): HealthEvent[] {
    const first = Math.max(id + 1, this.#count - this.#events.length + 1, 1);
    const count = Math.max(0, this.#count - first + 1);
    return Array.from({ length: count }, (_, i) => this.#events[(first + i - 1) % MAX_EVENTS]!);
  }

  /** Calls back with each new event until the returned function is called. A listener that throws is not heard. */
  subscribe(listener: (event: HealthEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
}
