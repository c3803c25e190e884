import type { ProxyError } from "../../core/errors.ts";
import type { RequestChannel } from "./request-channel.ts";
import type { UpstreamUser } from "./upstream-user.ts";

/** One connection to a server, whatever is spoken on it and whether it is made or being made. */
export interface ServerConnection {
  /** How many users' requests were sent between these times and have got nothing since. */
  unanswered(before: number, after: number): number;
  /** Asks the users that were left without a byte since before that time to go elsewhere. */
  moveUnanswered(error: ProxyError, before: number): void;
  /** The time of the server's connections is over: tunnels are ended in good order, exchanges fail. */
  endUse(): void;
  /** Closes it; its users are told why. */
  abort(error: ProxyError): void;
}

/** A connection that carries many requests at one time. */
export interface SharedConnection extends ServerConnection {
  /** Nobody uses it. */
  readonly unused: boolean;
  /** How many requests it takes at one time. */
  readonly capacity: number;
  /** It takes one more request now. */
  readonly hasRoom: boolean;
  /** It will never take one again: it is closed as soon as the last one is answered. */
  readonly leaving: boolean;
  /** Begins one more request; only while it has room. */
  open(user: UpstreamUser): RequestChannel;
  /** Closes it in good order as soon as nobody uses it. */
  leave(): void;
  /** Closes the unused connection if nobody uses it within that many ms. */
  expire(after: number): void;
}
