import { Suspects } from "./suspects.ts";

/** How long the same limit of the same listener is not spoken of again, in ms. */
const SAY_AGAIN = 10_000;

interface Said {
  at: number;
  /** Connections closed since, of which nothing was said. */
  more: number;
}

/**
 * Says which limits close HTTP/2 connections, without becoming a flood itself: attackers come again at once. One line per
 * limit in 10 s; the next one says how many connections were closed meanwhile.
 */
export class AbuseLog {
  /** From where it was exceeded. */
  readonly suspects = new Suspects();
  readonly #said = new Map<string, Said>();

  /** The line for a connection that was closed for exceeding a limit, or undefined when it is too soon. `now` in ms. */
  line(limit: string, text: string, now: number): string | undefined {
    const said = this.#said.get(limit);
    if (said !== undefined && now - said.at < SAY_AGAIN) {
      said.more++;
      return undefined;
    }
    this.#said.set(limit, { at: now, more: 0 });
    return said === undefined || said.more === 0 ? text : `${text} (and ${said.more} more since the last such line)`;
  }
}
