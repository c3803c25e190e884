import { describe, expect, it } from "vitest";
import { errors } from "../errors.ts";
import { mayRetry } from "./retry-rule.ts";

describe("mayRetry", () => {
  it("repeats anything of which no byte was sent", () => {
    expect(mayRetry(errors.connectFailed, "POST", true)).toBe(true);
    expect(mayRetry(errors.connectTimeout, "PATCH", true)).toBe(true);
  });
  it("repeats only idempotent methods once bytes were sent", () => {
    expect(mayRetry(errors.connectionLost, "GET", true)).toBe(true);
    expect(mayRetry(errors.connectionLost, "PUT", true)).toBe(true);
    expect(mayRetry(errors.connectionLost, "POST", true)).toBe(false);
    expect(mayRetry(errors.connectionLost, "get", true)).toBe(false);
  });
  it("repeats nothing whose body is gone or whose answer was seen", () => {
    expect(mayRetry(errors.connectFailed, "PUT", false)).toBe(false);
    expect(mayRetry(errors.badResponse, "GET", true)).toBe(false);
    expect(mayRetry(errors.responseTimeout, "GET", true)).toBe(false);
  });
});
