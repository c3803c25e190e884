/** Bytes of one key of session tickets: name, HMAC key and AES key, as OpenSSL takes them. */
const KEY_BYTES = 48;
/** Keys that no longer encrypt but still decrypt: tickets are good for two rotations. */
const PREVIOUS = 2;

/** The keys of one listener's session tickets. They are in memory only: who has them can read what was recorded. */
export class TicketKeys {
  readonly #random: (bytes: number) => Uint8Array;
  #keys: readonly Uint8Array[];
  #rotatedAt: number;

  /**
   * @param random gives bytes that nobody can guess
   * @param now ms, of a clock that never goes backwards
   */
  constructor(random: (bytes: number) => Uint8Array, now: number) {
    this.#random = random;
    this.#keys = [random(KEY_BYTES)];
    this.#rotatedAt = now;
  }

  /** The first one encrypts, all decrypt. Another list after each rotation. */
  get keys(): readonly Uint8Array[] {
    return this.#keys;
  }

  /** Begins a new key if the present one has been in use for `rotation` ms; true when it did. */
  rotate(rotation: number, now: number): boolean {
    const age = now - this.#rotatedAt;
    if (age < rotation) return false;
    // After a pause of the whole process, such as a suspended machine, all of them are too old.
    const kept = age >= rotation * (PREVIOUS + 1) ? [] : this.#keys.slice(0, PREVIOUS);
    this.#keys = [this.#random(KEY_BYTES), ...kept];
    this.#rotatedAt = now;
    return true;
  }
}
