import type { CertificateEvent, NewCertificateEvent } from "../certificates/certificate-event.ts";
import type { HealthEvent, NewHealthEvent } from "./health-event.ts";
import { MAX_EVENTS } from "./limits.ts";

/** Something that happened on this node. */
export type NodeEvent = HealthEvent | CertificateEvent;

/** An event before the log has given it a number. */
export type NewNodeEvent = NewHealthEvent | NewCertificateEvent;

/** True for an event about a server or a pool. */
export function isHealthEvent(event: NodeEvent): event is HealthEvent {
  return !("certificate" in event);
}

/** The latest events of the node, and those who want to hear of new ones. */
export class EventLog {
  readonly #events: NodeEvent[] = [];
  readonly #listeners = new Set<(event: NodeEvent) => unknown>();
  #count = 0;

  /** Number of the latest event; 0 before the first. */
  get lastId(): number {
    return this.#count;
  }

  add(event: NewNodeEvent): NodeEvent {
    const numbered: NodeEvent = { id: ++this.#count, ...event };
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
  since(id: number): NodeEvent[] {
    const first = Math.max(id + 1, this.#count - this.#events.length + 1, 1);
    const count = Math.max(0, this.#count - first + 1);
    return Array.from({ length: count }, (_, i) => this.#events[(first + i - 1) % MAX_EVENTS]!);
  }

  /** Calls back with each new event until the returned function is called. A listener that throws is not heard. */
  subscribe(listener: (event: NodeEvent) => unknown): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
}
