import type { FilterExchange, FilterRequest, FilterResponse } from "../../core/filtering/filter.ts";
import type { RequestHead } from "../../http1/request-head.ts";
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

class RequestView implements FilterRequest {
  readonly #exchange: ViewedExchange;
  readonly edits = new HeaderEdits();

  constructor(exchange: ViewedExchange) {
    this.#exchange = exchange;
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
  status: number;

  constructor(head: ResponseHead) {
    this.#head = head;
    this.status = head.status;
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
  readonly #exchange: ViewedExchange;
  readonly request: RequestView;
  #response: ResponseView | null = null;
  readonly notes = new Map<string, unknown>();

  constructor(exchange: ViewedExchange) {
    this.#exchange = exchange;
    this.request = new RequestView(exchange);
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
