import { describe, expect, it } from "vitest";
import { clientResponseHead } from "./client-response.ts";
import { responseHead } from "./head.fixture.ts";
import { HeaderEdits } from "./header-edits.ts";

const received = responseHead(
  "GET",
  "HTTP/1.1 200 Fine by me",
  "X-A: 1",
  "Connection: X-Private",
  "X-Private: 1",
  "Content-Length: 3",
  "x-A: 2",
);

describe("clientResponseHead", () => {
  it("passes the status line and the lines on as received, without those of the server's connection", () => {
    expect(clientResponseHead(null, received, false, "", "")).toBe(
      "HTTP/1.1 200 Fine by me\r\nX-A: 1\r\nContent-Length: 3\r\nx-A: 2\r\n\r\n",
    );
  });

  it("replaces the framing and adds the line about the connection", () => {
    expect(clientResponseHead(null, received, true, "Transfer-Encoding: chunked\r\n", "Connection: close\r\n")).toBe(
      "HTTP/1.1 200 Fine by me\r\nX-A: 1\r\nx-A: 2\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n",
    );
  });

  it("says HTTP/1.1 itself (RFC 9112 2.3)", () => {
    const old = responseHead("GET", "HTTP/1.0 404 Gone fishing");
    expect(clientResponseHead(null, old, false, "", "")).toBe("HTTP/1.1 404 Not Found\r\n\r\n");
  });

  it("applies what filters changed", () => {
    const edits = new HeaderEdits();
    edits.set("X-A", "new");
    const text = clientResponseHead({ response: { status: 503, edits } }, received, false, "", "");
    expect(text).toBe("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 3\r\nX-A: new\r\n\r\n");
  });
});
