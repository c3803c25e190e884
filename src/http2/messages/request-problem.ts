import type { ProtocolError } from "../../http1/protocol-error.ts";

/** Why a request's head was refused. */
export interface RequestProblem extends ProtocolError {
  /**
   * The request is malformed (RFC 9113 8.1.1): its stream is reset with PROTOCOL_ERROR. If not, the head can be
   * understood but is not accepted, and is answered with `status`.
   */
  readonly malformed: boolean;
}

/** A malformed request; the reason is a part of a sentence. */
export function malformed(reason: string, rfc: string): RequestProblem {
  return Object.freeze({ malformed: true, code: "malformed_request", status: 400, reason, rfc });
}

/** What HTTP/1 refuses with an answer is answered here, too. */
export function answerable(error: ProtocolError): RequestProblem {
  return Object.freeze({ malformed: false, ...error });
}
