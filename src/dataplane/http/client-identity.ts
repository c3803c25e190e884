import { clientFromForwarded } from "../../core/net/forwarded.ts";
import { FieldId } from "../../http1/fields.ts";
import type { RequestHead } from "../../http1/request-head.ts";
import type { ListenerPlan } from "../plan.ts";
import type { ClientCertificate, TlsSession } from "../tls/tls-session.ts";
import { clientCertificateLines } from "./client-certificate-fields.ts";
import {
  acceptableRequestId,
  forwardedLines,
  forwardedLinesBehindProxy,
  type ForwardedParts,
} from "./forwarded-fields.ts";

/** Who the client of one connection is: its own address, or, behind a trusted proxy, what the proxy says. */
export class ClientIdentity implements ForwardedParts {
  readonly remote: string;
  readonly scheme: "http" | "https";
  readonly port: string;
  #plan: ListenerPlan | null = null;
  #trusted = false;
  /** The authority that `#lines` were made for: most requests of a connection have the same. */
  #authority = "\n";
  #lines = "";
  readonly #certificate: ClientCertificate | null;
  /** What is said about the client's certificate. */
  #certificateLines = "";

  constructor(remote: string, tls: TlsSession | null, port: string) {
    this.remote = remote;
    this.scheme = tls === null ? "http" : "https";
    this.port = port;
    this.#certificate = tls === null ? null : tls.client;
  }

  get forwarded(): boolean {
    return this.#plan!.config.forwarded;
  }

  /** The client's address for a request. To be called first; `plan` is what holds for the request. */
  client(plan: ListenerPlan, head: RequestHead): string {
    if (this.#plan !== plan) {
      this.#plan = plan;
      this.#trusted = plan.isTrusted !== null && plan.isTrusted(this.remote);
      this.#authority = "\n";
      this.#certificateLines =
        this.#certificate !== null && plan.config.tls?.clientCertificates?.forward === true
          ? clientCertificateLines(this.#certificate)
          : "";
    }
    if (!this.#trusted) return this.remote;
    return clientFromForwarded(this.remote, head.all("x-forwarded-for").join(","), plan.isTrusted!);
  }

  /** The request id that a trusted proxy gave; undefined when there is none to be believed. */
  requestId(head: RequestHead): string | undefined {
    if (!this.#trusted) return undefined;
    const id = head.getById(FieldId.xRequestId);
    return acceptableRequestId(id) ? id : undefined;
  }

  forwardedLines(head: RequestHead): string {
    if (this.#trusted) return forwardedLinesBehindProxy(this, head) + this.#certificateLines;
    if (head.authority !== this.#authority) {
      this.#authority = head.authority;
      this.#lines = forwardedLines(this, head.authority) + this.#certificateLines;
    }
    return this.#lines;
  }
}
