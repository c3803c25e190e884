import { describe, expect, it } from "vitest";
import type { Filter } from "../../core/filtering/filter.ts";
import { BODY_CHUNKED, BODY_LENGTH, BODY_NONE, BODY_UNTIL_CLOSE } from "../../http1/response-head.ts";
import { emptyChain } from "../filters/chain.ts";
import { FakeDownstream } from "./downstream.fixture.ts";
import { FilterView } from "./filter-view.ts";
import { requestHead, responseHead } from "./head.fixture.ts";
import type { AnswerContext } from "./answer-writer.ts";
import { ResponseWriter } from "./response-writer.ts";

const bytes = Buffer.from("__abc__");
const head = responseHead("GET", "HTTP/1.1 200 OK", "Content-Length: 3");
const open = responseHead("GET", "HTTP/1.1 200 OK");

function setUp(minor: 0 | 1 = 1, onResponseBody?: Filter["onResponseBody"]) {
  const downstream = new FakeDownstream();
  const filtered = onResponseBody !== undefined;
  const view = filtered
    ? new FilterView({
        head: requestHead("GET / HTTP/1.1", "Host: a"),
        id: "",
        client: "",
        secure: false,
        listenerName: "",
        routeName: "",
        serverId: undefined,
        path: "/",
        query: "",
      })
    : null;
  const chain = filtered ? { ...emptyChain, responseBody: [{ onResponseBody }] } : null;
  const context: AnswerContext = { downstream, minor, view, chain };
  return { downstream, context, view, writer: new ResponseWriter() };
}

const upper = (_: unknown, chunk: Uint8Array) => Buffer.from(Buffer.from(chunk).toString().toUpperCase().repeat(2));

describe("ResponseWriter", () => {
  it("writes a whole answer in one piece", () => {
    const { downstream, context, writer } = setUp();
    writer.whole(context, head, "xxabcyy", 2, 5);
    expect([downstream.text, downstream.writes, writer.started]).toEqual([
      "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
      1,
      true,
    ]);
  });

  it("sends the head with the first bytes of the body, or alone if none are there", () => {
    for (const more of [true, false]) {
      const { downstream, context, writer } = setUp();
      writer.begin(context, head, BODY_LENGTH, more);
      expect(downstream.text === "").toBe(more);
      writer.data(context, bytes, 2, 5, null);
      writer.end(context, "");
      expect(downstream.text).toBe("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc");
      expect(downstream.writes).toBe(more ? 1 : 2);
    }
  });

  it("sends the head of an answer whose body turns out to be empty", () => {
    const { downstream, context, writer } = setUp();
    writer.begin(context, open, BODY_UNTIL_CLOSE, true);
    writer.end(context, "");
    expect(downstream.text).toBe("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
  });

  it.each([BODY_CHUNKED, BODY_UNTIL_CLOSE])("frames a body of kind %i by chunks, and passes trailers on", (kind) => {
    const { downstream, context, writer } = setUp();
    writer.begin(context, open, kind, true);
    writer.data(context, bytes, 2, 5, null);
    writer.end(context, "X-Sum: 1\r\n");
    expect(downstream.text).toBe(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n",
    );
    expect(downstream.close).toBe(false);
  });

  it("ends an HTTP/1.0 client's body with the connection", () => {
    const { downstream, context, writer } = setUp(0);
    writer.begin(context, open, BODY_CHUNKED, true);
    writer.data(context, bytes, 2, 5, null);
    writer.end(context, "X-Sum: 1\r\n");
    expect(downstream.text).toBe("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabc");
  });

  it("keeps the framing of an answer without a body", () => {
    const { downstream, context, writer } = setUp(1, () => undefined);
    context.view!.setResponse(head);
    writer.begin(context, head, BODY_NONE, false);
    writer.end(context, "");
    expect(downstream.text).toBe("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n");
  });

  it("gives the body to filters, and what they make of it to the client", () => {
    const { downstream, context, writer, view } = setUp(1, upper);
    view!.setResponse(head);
    writer.whole(context, head, "abc", 0, 3);
    writer.end(context, "");
    expect(downstream.text).toBe("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nABCABC\r\n0\r\n\r\n");
  });

  it("writes no chunk for a piece of which a filter leaves nothing: that would be the last one", () => {
    const { downstream, context, writer, view } = setUp(1, () => new Uint8Array(0));
    view!.setResponse(head);
    writer.begin(context, head, BODY_LENGTH, true);
    expect(writer.data(context, bytes, 2, 5, null)).toBe(true);
    writer.end(context, "");
    expect(downstream.text).toMatch(/\r\n\r\n0\r\n\r\n$/);
  });

  it("asks for a pause, and for another buffer while bytes of this one are unsent", () => {
    const { downstream, context, writer } = setUp();
    let replaced = 0;
    const lender = { replaceBuffer: () => void replaced++ };
    writer.begin(context, head, BODY_LENGTH, false);
    expect([writer.data(context, bytes, 2, 3, lender), replaced]).toEqual([true, 0]);
    downstream.unsent = 1;
    expect([writer.data(context, bytes, 3, 4, lender), replaced]).toEqual([true, 1]);
    downstream.needsDrain = true;
    expect([writer.data(context, bytes, 4, 5, lender), replaced]).toEqual([false, 2]);
  });

  it("passes interim answers to HTTP/1.1 only, and has not begun by that", () => {
    for (const minor of [0, 1] as const) {
      const { downstream, context, writer } = setUp(minor);
      writer.informational(context, responseHead("GET", "HTTP/1.1 103 Early Hints", "Link: </a>", "Connection: x"));
      expect(downstream.text).toBe(minor === 1 ? "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" : "");
      expect(writer.started).toBe(false);
    }
  });
});
