import { describe, expect, it } from "vitest";
import { parseWrk } from "./wrk.ts";

const result = (errors: string): string =>
  `Running 2s test\n  10 requests in 2.00s\n\nRESULT {"requests":10,"duration":2000000,"bytes":900,"p50":80,"p99":120,"p999":300,${errors}}\n`;

describe("parseWrk", () => {
  it("takes the figures from the result line, with the duration in seconds", () => {
    expect(parseWrk(result(`"connect":0,"read":0,"write":0,"status":0,"timeout":0`))).toEqual({
      requests: 10,
      duration: 2,
      bytes: 900,
      p50: 80,
      p99: 120,
      p999: 300,
      errors: [],
    });
  });
  it("names every kind of error that occurred", () => {
    const { errors } = parseWrk(result(`"connect":0,"read":3,"write":0,"status":7,"timeout":1`));
    expect(errors).toEqual(["3 read errors", "7 answers with an error status", "1 timeout errors"]);
  });
  it("throws when wrk printed no result", () => {
    expect(() => parseWrk("unable to connect")).toThrow("unable to connect");
  });
});
