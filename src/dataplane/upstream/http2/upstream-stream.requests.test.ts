import { beforeEach, describe, expect, it, vi } from "vitest";
import { errors } from "../../../core/errors.ts";
import { ErrorCode } from "../../../http2/error-code.ts";
import { forgetOpened, opened } from "../../socket.fixture.ts";
import { asked, asking, bench, more, POST, serve } from "./http2-bench.fixture.ts";

vi.mock("../../connect.ts", () => import("../../connect.fixture.ts"));
beforeEach(forgetOpened);

describe("HTTP/2 to a server: requests", () => {
  it("sends bodies and trailers, and waits for a server that does not take them", async () => {
    const { connections } = bench();
    const [user] = asking(connections, 1);
    const server = await serve();
    const channel = user.connection!;
    channel.sendHead(POST, true);
    channel.sendBody(Buffer.from("ab"));
    await server.turn();
    expect([channel.waitsForBody, channel.incomplete, channel.unsent]).toEqual([true, true, 0]);
    channel.sendBody(Buffer.from("cd"));
    channel.requestSent("x-sum: 1\r\n");
    await server.turn();
    const [stream] = server.streams;
    expect([stream.fields.at(-1), stream.body, stream.ended]).toEqual(["x-sum: 1", "abcd", true]);
    forgetOpened();
    const slow = bench();
    const [uploader] = asking(slow.connections, 1);
    const stalled = await serve();
    uploader.connection!.sendHead(POST, true);
    uploader.connection!.sendBody(Buffer.from("x"));
    await stalled.turn();
    stalled.streams[0].reads = false;
    uploader.connection!.sendBody(Buffer.alloc(200_000));
    await stalled.turn();
    expect([uploader.connection!.needsDrain, uploader.calls]).toEqual([true, ["connection"]]);
    stalled.streams[0].reads = true;
    stalled.streams[0].stream.consumed(65_535);
    await stalled.turn();
    expect(uploader.calls).toEqual(["connection", "drain"]);
  });

  it("sends the head by itself when the body is long in coming", async () => {
    const { connections } = bench();
    const [user] = asking(connections, 1);
    const server = await serve();
    user.connection!.sendHead(POST, true);
    user.connection!.uncork();
    await server.turn();
    expect([server.streams.length, server.streams[0].ended]).toEqual([1, false]);
  });

  it("gives one up alone, by CANCEL", async () => {
    const { connections, server, user, stream } = await asked();
    const other = await more(connections, server);
    user.connection!.destroy();
    await server.turn();
    other.stream.head(204, "", true);
    await server.turn();
    expect([stream.resetBy, user.calls, other.user.calls.at(-1)]).toEqual([ErrorCode.cancel, [], "end"]);
    expect([connections.size, opened[0].destroyed]).toEqual([1, false]);
  });

  it("takes an early answer for complete, and sends no more of the body", async () => {
    const { connections } = bench();
    const [user] = asking(connections, 1);
    const server = await serve();
    user.connection!.sendHead(POST, true);
    user.connection!.sendBody(Buffer.from("ab"));
    await server.turn();
    const [stream] = server.streams;
    stream.head(413, "content-length: 0\r\n", true);
    stream.stream.reset(ErrorCode.noError);
    await server.turn();
    expect([user.calls.slice(1), connections.inUse, connections.size]).toEqual([["whole 413 ", "end"], 0, 1]);
  });

  it.each([
    ["refused", ErrorCode.refusedStream, "refused_stream"],
    ["reset", ErrorCode.internalError, "connection_lost"],
  ])("tells one that was %s from the others, and from one whose answer had begun", async (_, code, error) => {
    const { connections, server, user, stream } = await asked();
    const other = await more(connections, server);
    stream.stream.reset(code);
    other.stream.head(200).data("a");
    await server.turn();
    other.stream.stream.reset(code);
    await server.turn();
    expect(user.calls[0]).toMatch(new RegExp(`^failure ${error}`));
    expect([other.user.calls.at(-1), connections.size]).toEqual(["failure response_truncated", 1]);
  });

  it("finishes what the server still works on after GOAWAY, and sends the rest elsewhere", async () => {
    const { connections, server, user, stream } = await asked();
    const late = await more(connections, server);
    late.user.calls.length = 0;
    // As a server does that has not looked at the second one.
    opened[0].receive(Buffer.from([0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0]));
    expect([late.user.calls, user.calls]).toEqual([["failure refused_stream reused"], []]);
    const [next] = asking(connections, 1);
    expect([opened.length, next.calls]).toEqual([2, []]);
    stream.head(204, "", true);
    await server.turn();
    expect([user.calls, opened[0].ended]).toEqual([["whole 204 ", "end"], true]);
    await serve(1);
    expect([next.calls, connections.size]).toEqual([["connection"], 1]);
  });

  it("fails with its connection, and says whether that had been used before", async () => {
    const { connections, server, user, stream } = await asked();
    const begun = await more(connections, server);
    begun.stream.head(200).data("a");
    await server.turn();
    opened[0].peerEnd();
    expect([user.calls, begun.user.calls.at(-1)]).toEqual([["failure connection_lost"], "failure response_truncated"]);
    expect([stream.resetBy, connections.size]).toEqual([null, 0]);
    forgetOpened();
    const used = await asked();
    used.stream.head(204, "", true);
    await used.server.turn();
    const second = await more(used.connections, used.server);
    opened[0].reset();
    expect(second.user.calls.at(-1)).toBe("failure connection_lost reused");
  });

  it("counts those without an answer, and asks them to go", async () => {
    const { connections, context, server, user } = await asked();
    context.advance(1000);
    const before = context.now;
    context.advance(50);
    const young = await more(connections, server);
    expect([connections.unanswered(before, 0), connections.unanswered(Infinity, 0)]).toEqual([1, 2]);
    connections.moveUnanswered(errors.serverSilent, before);
    expect([user.calls, young.user.calls]).toEqual([["suspect server_silent"], ["connection"]]);
  });
});
