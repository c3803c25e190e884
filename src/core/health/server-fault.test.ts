import { describe, expect, it } from "vitest";
import { errors } from "../errors.ts";
import { isGatewayError, isServerFault } from "./server-fault.ts";

describe("a failure", () => {
  it("speaks against the server when the server lost, broke or delayed the exchange", () => {
    const faults = Object.values(errors).filter(isServerFault);
    // A new error of the upstream side has to be put on one of the two sides.
    expect(faults.map(({ code }) => code).toSorted()).toEqual([
      "bad_response",
      "connection_lost",
      "request_stalled",
      "request_timeout",
      "response_body_timeout",
      "response_timeout",
      "response_truncated",
      "server_silent",
      "try_timeout",
      "unexpected_upgrade",
    ]);
  });

  it("is a gateway error as an answer with 502, 503 or 504", () => {
    expect([499, 500, 501, 502, 503, 504, 505].filter(isGatewayError)).toEqual([502, 503, 504]);
  });
});
