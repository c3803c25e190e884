import { describe, expect, it } from "vitest";
import { seededRandom } from "../random.ts";
import { connectVerdict, timeoutsNeeded } from "./connect-failure.ts";

describe("a failure to connect", () => {
  it.each(["ECONNREFUSED", "EHOSTUNREACH", "EHOSTDOWN", "ENETUNREACH", "ENOENT", "ETIMEDOUT"])(
    "says with %s that nobody is there",
    (code) => {
      expect(connectVerdict(code)).toBe("unreachable");
    },
  );

  it.each(["EMFILE", "ENFILE", "EADDRNOTAVAIL", "ENOBUFS", "ENOMEM", "EACCES", "EPERM", "EAGAIN"])(
    "says nothing about the server with %s",
    (code) => {
      expect(connectVerdict(code)).toBe("local");
    },
  );

  it.each(["CERT_HAS_EXPIRED", "ERR_TLS_CERT_ALTNAME_INVALID", "UNABLE_TO_VERIFY_LEAF_SIGNATURE"])(
    "says with %s that nobody is there who can be trusted",
    (code) => {
      expect(connectVerdict(code)).toBe("untrusted");
    },
  );

  it.each(["timeout", "ECONNRESET", "ENOTFOUND", "EAI_AGAIN", "EPROTO", undefined])("is no proof with %s", (code) => {
    expect(connectVerdict(code)).toBe("doubtful");
  });
});

describe("timeouts that it takes", () => {
  it.each([
    [1, 6],
    [100, 6],
    [1000, 6],
    [1249, 6],
    [1250, 3],
    [3000, 3],
    [3250, 2],
    [5000, 2],
    [30_000, 2],
    [31_250, 1],
    [60_000, 1],
  ])("are, at %d ms, %d", (timeout, needed) => {
    expect(timeoutsNeeded(timeout)).toBe(needed);
  });

  it.each([100, 1000, 2000, 5000])(
    "never come together from 1 %% loss each way in an hour of 100 connections per second, at %d ms",
    (timeout) => {
      const random = seededRandom(timeout);
      const needed = timeoutsNeeded(timeout);
      const sentAt = [0, 1000, 3000, 7000, 15_000].filter((at) => at + 50 <= timeout);
      let inRow = 0;
      let timeouts = 0;
      let longest = 0;
      for (let connection = 0; connection < 360_000; connection++) {
        // Each SYN, and each answer to one, is lost once in 100 times.
        const connected = sentAt.some(() => random() >= 0.01 && random() >= 0.01);
        inRow = connected ? 0 : inRow + 1;
        if (!connected) timeouts++;
        longest = Math.max(longest, inRow);
      }
      if (sentAt.length === 1) expect(timeouts).toBeGreaterThan(6000);
      expect(longest).toBeLessThan(needed);
    },
  );
});
