import type { FilterExchange, FilterRequest, FilterResponse } from "../../core/filtering/filter.ts";
import { RequestHead } from "../../http1/request-head.ts";
import type { ResponseHead } from "../../http1/response-head.ts";
import { HeaderEdits } from "./header-edits.ts";

/** What the view shows of an exchange. */
export interface ViewedExchange {
  readonly head: RequestHead;
  readonly id: string;
  readonly client: string;
  readonly secure: boolean;
  readonly listenerName: string;
  readonly routeName: string;
  readonly serverId: string | undefined;
  path: string;
  query: string;
}

/**
 * What a view shows when its exchange is over: nothing. A filter may still be at work then (its client has gone), and
 * the object that it looked at serves somebody else's request by now.
 */
const over: ViewedExchange = {
  head: new RequestHead(),
  id: "",
  client: "",
  secure: false,
  listenerName: "",
  routeName: "",
  serverId: undefined,
  get path() {
    return "";
  },
  set path(_path: string) {},
  get query() {
    return "";
  },
  set query(_query: string) {},
};

class RequestView implements FilterRequest {
  #exchange: ViewedExchange;
  readonly edits = new HeaderEdits();

  constructor(exchange: ViewedExchange) {
    this.#exchange = exchange;
  }
  /** The exchange is over. */
  end(): void {
    this.#exchange = over;
  }
  get method(): string {
    return this.#exchange.head.method;
  }
  get host(): string {
    return this.#exchange.head.host;
  }
  get path(): string {
    return this.#exchange.path;
  }
  set path(path: string) {
    if (!path.startsWith("/") || /[^!-~]|[#?]/.test(path)) throw new TypeError(`not a path: ${JSON.stringify(path)}`);
    this.#exchange.path = path;
  }
  get query(): string {
    return this.#exchange.query;
  }
  set query(query: string) {
    if (query !== "" && (!query.startsWith("?") || /[^!-~]|#/.test(query)))
      throw new TypeError(`not a query: ${JSON.stringify(query)}`);
    this.#exchange.query = query;
  }
  header(name: string): string | undefined {
    return this.edits.get(this.#exchange.head, name);
  }
  cookie(name: string): string | undefined {
    return this.#exchange.head.cookie(name);
  }
  setHeader(name: string, value: string): void {
    this.edits.set(name, value);
  }
  addHeader(name: string, value: string): void {
    this.edits.add(name, value);
  }
  removeHeader(name: string): void {
    this.edits.remove(name);
  }
}

class ResponseView implements FilterResponse {
  readonly #head: ResponseHead;
  readonly edits = new HeaderEdits();
  #status: number;

  constructor(head: ResponseHead) {
    this.#head = head;
    this.#status = head.status;
  }
  get status(): number {
    return this.#status;
  }
  /** Throws on what would put the client out of step: how the body ends depends on whether the status may have one. */
  set status(status: number) {
    if (!isFinalStatus(status)) throw new TypeError(`not a status from 200 to 599: ${status}`);
    const received = this.#head.status;
    if (received < 200 || hasNoBody(status) !== hasNoBody(received))
      throw new TypeError(`an answer with status ${received} cannot become one with ${status}`);
    this.#status = status;
  }
  header(name: string): string | undefined {
    return this.edits.get(this.#head, name);
  }
  setHeader(name: string, value: string): void {
    this.edits.set(name, value);
  }
  addHeader(name: string, value: string): void {
    this.edits.add(name, value);
  }
  removeHeader(name: string): void {
    this.edits.remove(name);
  }
}

/** An exchange as filters see it; made only for routes that have filters. */
export class FilterView implements FilterExchange {
  #exchange: ViewedExchange;
  readonly request: RequestView;
  #response: ResponseView | null = null;
  readonly notes = new Map<string, unknown>();

  constructor(exchange: ViewedExchange) {
    this.#exchange = exchange;
    this.request = new RequestView(exchange);
  }
  /** The exchange is over: from now on the view shows nothing and changes nothing. */
  end(): void {
    this.#exchange = over;
    this.request.end();
  }
  get id(): string {
    return this.#exchange.id;
  }
  get client(): string {
    return this.#exchange.client;
  }
  get secure(): boolean {
    return this.#exchange.secure;
  }
  get listener(): string {
    return this.#exchange.listenerName;
  }
  get route(): string {
    return this.#exchange.routeName;
  }
  get server(): string | undefined {
    return this.#exchange.serverId;
  }
  get response(): ResponseView {
    if (this.#response === null) throw new Error("the answer has not come yet");
    return this.#response;
  }

  /** The answer's head has come; a later call (after a retry) replaces it. */
  setResponse(head: ResponseHead): ResponseView {
    return (this.#response = new ResponseView(head));
  }
}

/** Whether an answer may have that status: 1xx are not for filters to give. */
export function isFinalStatus(status: unknown): boolean {
  return Number.isInteger(status) && (status as number) >= 200 && (status as number) <= 599;
}

function hasNoBody(status: number): boolean {
  return status === 204 || status === 304;
}
