import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { errors } from "../errors.ts";
import { isIdempotent, mayRetry, RetryRule, type RetryRuleConfig } from "./retry-rule.ts";

const usual: RetryRuleConfig = {
  attempts: 2,
  on: ["connect", "reset", "timeout", "bad_response", "status"],
  statuses: [500, 502, 503, 504],
  nonIdempotent: false,
};
const rule = (change: Partial<RetryRuleConfig> = {}) => new RetryRule({ ...usual, ...change });
const all = Object.values(errors);
const methods = ["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE", "POST", "PATCH", "get", "CONNECT", "PURGE"];

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
  it("repeats nothing whose body is gone or that no server can make good", () => {
    expect(mayRetry(errors.connectFailed, "PUT", false)).toBe(false);
    expect(mayRetry(errors.responseTruncated, "GET", true)).toBe(false);
    expect(mayRetry(errors.requestTimeout, "GET", true)).toBe(false);
  });
});

describe("RetryRule", () => {
  it.each([
    ["connect", ["connect_failed", "connect_timeout", "server_gone", "refused_stream"]],
    ["reset", ["connection_lost", "server_silent", "server_removed"]],
    ["timeout", ["response_timeout", "try_timeout"]],
    ["bad_response", ["bad_response"]],
    ["status", []],
  ] as const)("tries again on %s exactly after %j", (condition, codes) => {
    const only = rule({ on: [condition] });
    const allowed = all.filter((error) => only.allowsError(error, "GET")).map(({ code }) => code);
    expect(allowed.toSorted()).toEqual(codes.toSorted());
  });

  it("repeats a POST only if nothing of it was sent", () => {
    const allowed = all.filter((error) => rule().allowsError(error, "POST")).map(({ code }) => code);
    expect(allowed.toSorted()).toEqual(["connect_failed", "connect_timeout", "refused_stream", "server_gone"]);
    expect(rule().allowsStatus(503, "POST")).toBe(false);
  });

  it("repeats POST like GET where the pool allows it", () => {
    const lenient = rule({ nonIdempotent: true });
    for (const error of all) expect(lenient.allowsError(error, "POST")).toBe(lenient.allowsError(error, "GET"));
    expect(lenient.allowsStatus(503, "POST")).toBe(true);
  });

  it("asks another server for the chosen statuses only", () => {
    const statuses = Array.from({ length: 1000 }, (_, status) => status);
    expect(statuses.filter((status) => rule().allowsStatus(status, "GET"))).toEqual([500, 502, 503, 504]);
    expect(statuses.filter((status) => rule({ on: ["reset"] }).allowsStatus(status, "GET"))).toEqual([]);
    expect(rule({ statuses: [404] }).allowsStatus(500, "GET")).toBe(false);
    expect(rule().allowsStatus(5000, "GET")).toBe(false);
  });

  it("allows nothing without further tries", () => {
    const off = rule({ attempts: 0 });
    expect(off.attempts).toBe(0);
    for (const error of all) expect(off.allowsError(error, "GET")).toBe(false);
    expect(off.allowsStatus(503, "GET")).toBe(false);
  });

  it("never doubles a request that a server may have begun to work on", () => {
    const conditions = fc.subarray([...usual.on]);
    fc.assert(
      fc.property(conditions, fc.constantFrom(...all), fc.constantFrom(...methods), (on, error, method) => {
        const allowed = rule({ on }).allowsError(error, method);
        return !allowed || error.retry === "always" || (error.retry === "if-idempotent" && isIdempotent(method));
      }),
    );
  });
});
