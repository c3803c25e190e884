import type { TSchema } from "typebox";
import type { Clock } from "../clock.ts";
import type { Random } from "../random.ts";

/** An answer that a filter gives itself, instead of a server. */
export interface Answer {
  /** 200..599. */
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Text is sent as UTF-8. Content-Length is computed. */
  readonly body?: string | Uint8Array;
}

/** The request as filters see it; changes take effect on what the server gets. Names of fields are lower case. */
export interface FilterRequest {
  readonly method: string;
  /** Authority without port, lower case. */
  readonly host: string;
  /** Normalised path; assigning replaces it. */
  path: string;
  /** With its question mark, or empty; assigning replaces it. */
  query: string;
  /** Value of the first field of that name. */
  header(name: string): string | undefined;
  cookie(name: string): string | undefined;
  /** Replaces all fields of that name. Throws on a name or value that HTTP does not allow. */
  setHeader(name: string, value: string): void;
  addHeader(name: string, value: string): void;
  removeHeader(name: string): void;
}

/** The answer's head as filters see it. */
export interface FilterResponse {
  /** 200..599. Assigning throws when one of the two statuses may have a body and the other may not (204, 304). */
  status: number;
  header(name: string): string | undefined;
  setHeader(name: string, value: string): void;
  addHeader(name: string, value: string): void;
  removeHeader(name: string): void;
}

/**
 * One request and its answer, as filters see them. Valid until `onComplete` has returned; a filter that is still at work
 * then (its client has gone) sees nothing there any more and changes nothing.
 */
export interface FilterExchange {
  /** The request id: the server gets it in X-Request-Id, the client in error answers. */
  readonly id: string;
  /** The client's address, after trusted proxies. */
  readonly client: string;
  readonly secure: boolean;
  readonly listener: string;
  readonly route: string;
  readonly request: FilterRequest;
  /** The answer; throws before its head has come. */
  readonly response: FilterResponse;
  /** The server's id once one was chosen. */
  readonly server: string | undefined;
  /** Room for the filter's own notes about this exchange; shared by all filters of the chain. */
  readonly notes: Map<string, unknown>;
}

/**
 * One step of request or response handling. A filter implements the phases it needs; phases that no filter of a
 * route implements cost nothing. One instance serves all requests of a route on one worker.
 */
export interface Filter {
  /** Before the server is chosen. An answer ends the exchange; a promise holds only this exchange up. */
  onRequestHead?(exchange: FilterExchange): Answer | void | Promise<Answer | void>;
  /** Each piece of the request body; what is returned goes on instead. `undefined` leaves it as it is. */
  onRequestBody?(exchange: FilterExchange, chunk: Uint8Array): Uint8Array | void;
  /** The answer's head, before it is sent. */
  onResponseHead?(exchange: FilterExchange): void;
  /** Each piece of the answer's body; what is returned goes on instead. `undefined` leaves it as it is. */
  onResponseBody?(exchange: FilterExchange, chunk: Uint8Array): Uint8Array | void;
  /**
   * The end of an answer's body that has begun, with the trailers as complete lines, or "" when there are none. Bytes
   * that are returned go to the client behind the body, and the trailers do not. The first filter that returns some has
   * done so for all; the other filters do not see them.
   */
  onResponseTrailers?(exchange: FilterExchange, trailers: string): Uint8Array | void;
  /** The exchange is over, well or badly. */
  onComplete?(exchange: FilterExchange, result: FilterResult): void;
}

/** How an exchange ended. */
export interface FilterResult {
  /** Status that the client got; 0 when it got none. */
  readonly status: number;
  /** Code of the error (docs/errors.md), or undefined. */
  readonly error: string | undefined;
  /** Milliseconds from the request's head to the end. */
  readonly duration: number;
}

/** What a filter gets when a worker compiles a route. */
export interface FilterDeps {
  readonly clock: Clock;
  readonly random: Random;
  log(level: "debug" | "info" | "warn" | "error", message: string): void;
}

/** An entry of the filter registry. */
export interface FilterDefinition<Config = unknown> {
  readonly kind: "filter";
  /** The configuration name, in camel case. */
  readonly name: string;
  /** One sentence for documentation and the API. */
  readonly summary: string;
  /** The filter's settings as a TypeBox schema with defaults. */
  readonly schema: TSchema;
  create(config: Config, deps: FilterDeps): Filter;
}
