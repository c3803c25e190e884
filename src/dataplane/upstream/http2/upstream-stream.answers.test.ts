import { beforeEach, describe, expect, it, vi } from "vitest";
import { ErrorCode } from "../../../http2/error-code.ts";
import { forgetOpened } from "../../socket.fixture.ts";
import { asked, more } from "./http2-bench.fixture.ts";
import { type ServedStream } from "./http2-server.fixture.ts";

vi.mock("../../connect.ts", () => import("../../connect.fixture.ts"));
beforeEach(forgetOpened);

describe("HTTP/2 to a server: answers", () => {
  it("passes a short one that comes in one read on as a whole, also when its end comes by itself", async () => {
    for (const alone of [false, true]) {
      forgetOpened();
      const { server, user, stream, connections } = await asked();
      stream.head(200, "content-length: 2\r\n").data("ok", !alone);
      if (alone) stream.stream.sendEnd();
      await server.turn();
      expect([user.calls, connections.inUse]).toEqual([["whole 200 ok", "end"], 0]);
    }
  });

  it("passes others on as they come", async () => {
    const { server, user, stream } = await asked();
    stream.head(200, "content-length: 4\r\n");
    await server.turn();
    expect(user.calls).toEqual(["head 200 1 false"]);
    stream.data("ab");
    await server.turn();
    stream.data("cd", true);
    await server.turn();
    expect([user.calls, user.body]).toEqual([["head 200 1 false", "end"], "abcd"]);
    forgetOpened();
    const open = await asked();
    open.stream.head(200).data("abc", true);
    await open.server.turn();
    expect([open.user.calls, open.user.body]).toEqual([["head 200 2 true", "end"], "abc"]);
  });

  it("keeps those apart that come in one read", async () => {
    const { connections, server, user, stream } = await asked();
    const other = await more(connections, server);
    other.user.calls.length = 0;
    stream.head(200, "content-length: 1\r\n");
    other.stream.head(404, "content-length: 2\r\n");
    other.stream.data("no", true);
    stream.data("a", true);
    await server.turn();
    expect([user.calls, user.body]).toEqual([["head 200 1 false", "end"], "a"]);
    expect(other.user.calls).toEqual(["whole 404 no", "end"]);
  });

  it("knows those without a body", async () => {
    for (const [method, status, lines] of [
      ["HEAD", 200, "content-length: 5\r\n"],
      ["GET", 304, "content-length: 5\r\n"],
      ["GET", 204, ""],
      ["GET", 200, ""],
    ] as const) {
      forgetOpened();
      const { server, user, stream } = await asked();
      user.method = method;
      stream.head(status, lines, true);
      await server.turn();
      expect(user.calls).toEqual([`whole ${status} `, "end"]);
    }
  });

  it("passes trailers and interim answers on, up to 16", async () => {
    const { server, user, stream } = await asked();
    for (let i = 0; i < 16; i++) stream.head(103);
    stream.head(200).data("x").trailers("grpc-status: 0\r\n");
    await server.turn();
    expect(user.calls.slice(15)).toEqual(["informational 103", "head 200 2 true", "end grpc-status: 0"]);
    forgetOpened();
    const many = await asked();
    for (let i = 0; i < 17; i++) many.stream.head(103);
    await many.server.turn();
    expect([many.user.calls.at(-1), many.stream.resetBy]).toEqual(["failure bad_response", ErrorCode.protocolError]);
  });

  it("holds the server up while its client takes nothing, and nobody else", async () => {
    const { connections, server, user, stream, context } = await asked();
    const size = 300_000;
    user.goOn = false;
    stream.head(200, `content-length: ${size}\r\n`).data("x".repeat(size), true);
    await server.turn();
    expect([user.body.length, stream.stream.unsent]).toEqual([262_144, size - 262_144]);
    const other = await more(connections, server);
    other.stream.head(200).data("y".repeat(200_000), true);
    await server.turn();
    expect([other.user.body.length, other.user.calls.at(-1)]).toEqual([200_000, "end"]);
    context.advance(9000);
    expect(user.calls).toEqual(["head 200 1 true"]);
    user.goOn = true;
    user.connection!.resumeReading();
    await server.turn();
    expect([user.body.length, user.calls.at(-1), user.body.includes("y")]).toEqual([size, "end", false]);
  });

  it("hands large pieces on as they lie, and takes the buffer away from the connection", async () => {
    const { server, user, stream } = await asked();
    const pieces: Buffer[] = [];
    user.onResponseData = (buffer, from, to) => {
      pieces.push(buffer.subarray(from, to));
      user.connection!.replaceBuffer();
      return true;
    };
    stream.head(200).data("a".repeat(10_000)).data("b");
    await server.turn();
    stream.data("c".repeat(10_000), true);
    await server.turn();
    // The fixture overwrites what nobody may rely on.
    expect(Buffer.concat(pieces).toString("latin1")).toBe(`${"a".repeat(10_000)}b${"c".repeat(10_000)}`);
  });

  it.each<[string, (stream: ServedStream) => unknown, string]>([
    [
      "a body that is too short",
      (stream) => stream.head(200, "content-length: 3\r\n").data("ab", true),
      "bad_response",
    ],
    ["a body that is too long", (stream) => stream.head(200, "content-length: 1\r\n").data("ab"), "bad_response"],
    ["two heads", (stream) => stream.head(200).head(200, "", true), "bad_response"],
  ])("refuses %s", async (_, act, code) => {
    const { server, user, stream, connections } = await asked();
    act(stream);
    await server.turn();
    expect([user.calls, connections.inUse]).toEqual([[expect.stringContaining(`failure ${code}`)], 0]);
  });

  it("cuts an answer off whose body has another length than it said", async () => {
    const { server, user, stream } = await asked();
    stream.head(200, "content-length: 3\r\n").data("a");
    await server.turn();
    stream.data("b", true);
    await server.turn();
    expect(user.calls).toEqual(["head 200 1 true", "failure response_truncated"]);
  });

  it("waits so long for the head, and for more of the body", async () => {
    const { context, user, stream, server } = await asked({ responseTimeout: "5s" });
    context.advance(5100);
    await server.turn();
    expect([user.calls, stream.resetBy]).toEqual([["failure response_timeout"], ErrorCode.cancel]);
    forgetOpened();
    const begun = await asked();
    begun.stream.head(200);
    await begun.server.turn();
    begun.context.advance(3100);
    await begun.server.turn();
    expect([begun.user.calls.at(-1), begun.stream.resetBy]).toEqual([
      "failure response_body_timeout",
      ErrorCode.cancel,
    ]);
  });
});
