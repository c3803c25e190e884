import { matchesName } from "./certificate-index.ts";

/** Most names that are remembered as asked for, per listener. */
const MAX_NAMES = 1000;
/** Most handshakes of a listener that wait for a certificate at one time. */
const MAX_WAITING = 256;
/** How long a name that was asked for is not asked for again, in ms. */
const ASK_AGAIN = 60_000;

/** A handshake that waits for a certificate. */
export interface Waiting {
  readonly wantedName: string;
  /** There may be a certificate now. */
  materialChanged(): void;
}

/** Certificates that do not exist yet: who waits for one, and which names the control plane was asked for. */
export class OnDemand {
  #patterns: readonly string[] = [];
  readonly #asked = new Map<string, number>();
  readonly #waiting = new Set<Waiting>();
  readonly #ask: (name: string) => void;

  constructor(ask: (name: string) => void) {
    this.#ask = ask;
  }

  set(patterns: readonly string[]): void {
    this.#patterns = patterns;
  }

  /** Lets a handshake wait for its name, and asks for it; false when there is no sense in it, or no room. */
  wait(handshake: Waiting, now: number): boolean {
    const { wantedName: name } = handshake;
    if (this.#waiting.size >= MAX_WAITING || !this.#patterns.some((pattern) => matchesName(pattern, name)))
      return false;
    this.#waiting.add(handshake);
    if (now - (this.#asked.get(name) ?? -Infinity) < ASK_AGAIN) return true;
    const [oldest] = this.#asked.keys();
    if (this.#asked.size >= MAX_NAMES) this.#asked.delete(oldest!);
    this.#asked.delete(name);
    this.#asked.set(name, now);
    this.#ask(name);
    return true;
  }

  leave(handshake: Waiting): void {
    this.#waiting.delete(handshake);
  }

  materialChanged(): void {
    for (const handshake of Array.from(this.#waiting)) handshake.materialChanged();
  }
}
