import { randomBytes } from "node:crypto";
import type { SecureContext } from "node:tls";

/** A key of session tickets: 16 bytes that name it in the ticket, then one key for HMAC-SHA256 and one for AES-128. */
const PART = 16;
export const TICKET_KEY_LENGTH = 3 * PART;

const FAILED = -1;
const UNKNOWN = 0;
const GOOD = 1;
/** Good, but the client is to get a new ticket. */
const RENEW = 2;
const nothing = Buffer.alloc(PART);

type TicketAnswer = [status: number, hmac: Buffer, aes: Buffer, name: Buffer, iv: Buffer];

interface TicketContext {
  enableTicketKeyCallback?(): void;
  onticketkeycallback?: (name: Buffer, iv: Buffer, encrypt: boolean) => TicketAnswer;
}

/**
 * The keys of a listener's session tickets. All contexts of the listener ask here, so that keys change without new
 * contexts; all workers have the same keys, so that a ticket of one is good for the others.
 */
export class TicketKeys {
  #keys: readonly TicketAnswer[] = [];

  /** @param keys of TICKET_KEY_LENGTH bytes: the first one encrypts, all decrypt; others are passed over */
  set(keys: readonly Uint8Array[]): void {
    this.#keys = keys
      .filter((key) => key.length === TICKET_KEY_LENGTH)
      .map((key) => {
        const part = (index: number) => Buffer.from(key.subarray(index * PART, (index + 1) * PART));
        return [GOOD, part(1), part(2), part(0), nothing];
      });
  }

  get length(): number {
    return this.#keys.length;
  }

  /** The first key, as node:tls takes it. */
  get newest(): Buffer | undefined {
    const [key] = this.#keys;
    return key === undefined ? undefined : Buffer.concat([key[3], key[1], key[2]]);
  }

  /** Makes a context ask for keys here; false when this Node cannot do that. */
  serve(context: SecureContext): boolean {
    const native = (context as unknown as { context: TicketContext }).context;
    if (typeof native.enableTicketKeyCallback !== "function") return false;
    native.onticketkeycallback = (name, _iv, encrypt) => (encrypt ? this.#encrypts() : this.#decrypts(name));
    native.enableTicketKeyCallback();
    return true;
  }

  #encrypts(): TicketAnswer {
    const [key] = this.#keys;
    // OpenSSL leaves the initialisation vector to us: what it hands over for it is memory as it happened to be.
    const iv = randomBytes(PART);
    return key === undefined ? [FAILED, nothing, nothing, nothing, iv] : [GOOD, key[1], key[2], key[3], iv];
  }

  #decrypts(name: Buffer): TicketAnswer {
    const index = this.#keys.findIndex((key) => key[3].equals(name));
    const key = this.#keys[index];
    if (key === undefined) return [UNKNOWN, nothing, nothing, nothing, nothing];
    return index === 0 ? key : [RENEW, key[1], key[2], key[3], nothing];
  }
}
