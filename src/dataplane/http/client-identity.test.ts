import { describe, expect, it } from "vitest";
import { planOf, webConfig } from "../plan.fixture.ts";
import { testWorker } from "../worker.fixture.ts";
import { ClientIdentity } from "./client-identity.ts";
import { requestHead } from "./head.fixture.ts";

const worker = testWorker();
const listener = (fields: Record<string, unknown> = {}) =>
  planOf(webConfig(["127.0.0.1:1"], {}, fields), worker).listeners.get("web")!;
const head = (...lines: string[]) => requestHead("GET / HTTP/1.1", "Host: a.example:81", ...lines);
const claims = ["X-Forwarded-For: 203.0.113.5, 10.0.0.2", "X-Request-Id: abc-1", "X-Forwarded-Proto: https"];

describe("ClientIdentity", () => {
  it("believes nothing that a stranger says", () => {
    const identity = new ClientIdentity("198.51.100.1", null, "80");
    const plan = listener({ trustedProxies: ["10.0.0.0/8"] });
    expect(identity.client(plan, head(...claims))).toBe("198.51.100.1");
    expect(identity.requestId(head(...claims))).toBeUndefined();
    expect(identity.forwardedLines(head(...claims))).toBe(
      "X-Forwarded-For: 198.51.100.1\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Port: 80\r\nX-Forwarded-Host: a.example:81\r\n",
    );
  });

  it("takes a trusted proxy's word, up to the first address that is not trusted", () => {
    const identity = new ClientIdentity("10.0.0.1", null, "80");
    const plan = listener({ trustedProxies: ["10.0.0.0/8"] });
    expect(identity.client(plan, head(...claims))).toBe("203.0.113.5");
    expect(identity.requestId(head(...claims))).toBe("abc-1");
    expect(identity.requestId(head("X-Request-Id: a b"))).toBeUndefined();
    expect(identity.forwardedLines(head(...claims))).toContain(
      "X-Forwarded-For: 203.0.113.5, 10.0.0.2, 10.0.0.1\r\nX-Forwarded-Proto: https\r\n",
    );
  });

  it("decides anew when a reload changes whom to trust", () => {
    const identity = new ClientIdentity("10.0.0.1", null, "80");
    identity.client(listener(), head(...claims));
    expect(identity.requestId(head(...claims))).toBeUndefined();
    identity.client(listener({ trustedProxies: ["10.0.0.0/8"], forwarded: true }), head(...claims));
    expect(identity.requestId(head(...claims))).toBe("abc-1");
    expect(identity.forwardedLines(head(...claims))).toContain("\r\nForwarded: for=10.0.0.1;proto=http;");
    identity.client(listener(), head(...claims));
    expect(identity.forwardedLines(head(...claims))).not.toContain("\r\nForwarded:");
  });

  it("keeps the lines while the authority stays the same", () => {
    const identity = new ClientIdentity("198.51.100.1", null, "80");
    identity.client(listener(), head());
    expect(identity.forwardedLines(head())).toContain("X-Forwarded-Host: a.example:81\r\n");
    expect(identity.forwardedLines(requestHead("GET / HTTP/1.1", "Host: b"))).toContain("X-Forwarded-Host: b\r\n");
    expect(identity.forwardedLines(requestHead("GET / HTTP/1.0"))).not.toContain("X-Forwarded-Host");
  });
});
