import type { Clock } from "../../core/clock.ts";
import type { Log } from "../log.ts";
import { changesOfShown, describe } from "./certificate-changes.ts";
import {
  certificateEventText,
  eventLevel,
  type CertificateChange,
  type NewCertificateEvent,
} from "./certificate-event.ts";
import { ExpiryWatch } from "./expiry.ts";
import type { Shown } from "./shown.ts";

/** Tells what happens to certificates: as events, and as lines of the log. */
export class CertificateReporter {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #emit: (event: NewCertificateEvent) => void;
  readonly #expiry = new ExpiryWatch();
  #shown: readonly Shown[] | undefined;

  constructor(clock: Clock, log: Log, emit: (event: NewCertificateEvent) => void) {
    this.#clock = clock;
    this.#log = log;
    this.#emit = emit;
  }

  /** These are shown now. The first ones are no news, but for those that expire. */
  follow(shown: readonly Shown[]): void {
    if (this.#shown !== undefined) {
      for (const { id, what, reason } of changesOfShown(this.#shown, shown)) this.tell(id, what, reason);
    }
    this.#shown = shown;
    this.look();
  }

  /** Looks at the dates. */
  look(): void {
    // One id may be there more than once, with different listeners.
    const subjects = [...new Map((this.#shown ?? []).map((shown) => [shown.id, shown])).values()].map((shown) => {
      return { key: `${shown.id} ${shown.pair.fingerprint}`, validity: shown.pair, shown };
    });
    for (const { subject, level } of this.#expiry.look(subjects, this.#clock.wall())) {
      const { shown } = subject;
      const what = level === 0 ? "certificate_expired" : "certificate_expiring";
      const days = level === 0 ? "" : `in ${level} ${level === 1 ? "day" : "days"} or less: `;
      this.tell(shown.id, what, `${days}${describe(shown)}`);
    }
  }

  tell(certificate: string, what: CertificateChange, reason: string): void {
    const event = { at: this.#clock.wall(), certificate, what, reason };
    this.#emit(event);
    this.#log(eventLevel(what), certificateEventText(event));
  }
}
