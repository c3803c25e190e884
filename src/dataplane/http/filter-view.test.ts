import { describe, expect, it } from "vitest";
import { FilterView, type ViewedExchange } from "./filter-view.ts";
import { requestHead, responseHead } from "./head.fixture.ts";

function exchange(): ViewedExchange {
  return {
    head: requestHead("PUT /a?b=1 HTTP/1.1", "Host: A.example:80", "Cookie: x=1; y=2", "X-A: 1"),
    id: "id-1",
    client: "192.0.2.1",
    secure: false,
    listenerName: "web",
    routeName: "main",
    serverId: undefined,
    path: "/a",
    query: "?b=1",
  };
}

describe("FilterView", () => {
  it("shows the exchange", () => {
    const view = new FilterView(exchange());
    const { id, client, secure, listener, route, server, request } = view;
    expect({ id, client, secure, listener, route, server }).toEqual({
      id: "id-1",
      client: "192.0.2.1",
      secure: false,
      listener: "web",
      route: "main",
      server: undefined,
    });
    expect([request.method, request.host, request.path, request.query]).toEqual(["PUT", "a.example", "/a", "?b=1"]);
    expect([request.cookie("y"), request.cookie("z"), request.header("x-a")]).toEqual(["2", undefined, "1"]);
  });

  it("records changes of the request", () => {
    const viewed = exchange();
    const { request } = new FilterView(viewed);
    request.path = "/new%20path";
    request.query = "";
    request.setHeader("x-a", "2");
    request.addHeader("x-b", "3");
    request.removeHeader("cookie");
    expect([viewed.path, viewed.query]).toEqual(["/new%20path", ""]);
    expect(request.edits.lines).toBe("x-a: 2\r\nx-b: 3\r\n");
    expect(request.header("cookie")).toBeUndefined();
  });

  it.each(["", "a", "/a b", "/a?b", "/a#b", "/a\r\nX: 1", "/ä"])("refuses the path %j", (path) => {
    const viewed = exchange();
    expect(() => (new FilterView(viewed).request.path = path)).toThrow(TypeError);
    expect(viewed.path).toBe("/a");
  });

  it.each(["a=1", "?a b", "?a#b", "?a\r\nX: 1"])("refuses the query %j", (query) => {
    const viewed = exchange();
    expect(() => (new FilterView(viewed).request.query = query)).toThrow(TypeError);
    expect(viewed.query).toBe("?b=1");
  });

  it("has an answer once one has come, and a new one after a retry", () => {
    const view = new FilterView(exchange());
    expect(() => view.response).toThrow("has not come yet");
    view.setResponse(responseHead("GET", "HTTP/1.1 500 No", "X-A: 1")).setHeader("x-b", "2");
    expect([view.response.status, view.response.header("x-a"), view.response.header("x-b")]).toEqual([500, "1", "2"]);
    view.setResponse(responseHead("GET", "HTTP/1.1 200 OK"));
    expect([view.response.status, view.response.header("x-b"), view.response.edits.lines]).toEqual([
      200,
      undefined,
      "",
    ]);
  });
});
