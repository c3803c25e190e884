import { status } from "@grpc/grpc-js";
import { describe, expect, it } from "vitest";
import { certificateFiles, TestAuthority } from "../support/certificates.ts";
import { GrpcClient } from "../support/grpc-client.ts";
import { startGrpcOrigin } from "../support/grpc-origin.ts";
import { payloadBytes } from "../support/payload.ts";
import { serverCounters, startProxy, waitForQuiet, webConfig, type WebOptions } from "../support/proxy.ts";
import { startRawOrigin } from "../support/raw-origin.ts";
import type { Evenkeel } from "../support/evenkeel.ts";
import { waitFor } from "../support/wait.ts";

/** Unary calls one after the other, so many at a time, until it is stopped. */
class CallLoad {
  readonly #codes: number[] = [];
  readonly #loops: Promise<void>[];
  #over = false;

  constructor(caller: GrpcClient, width: number) {
    this.#loops = Array.from({ length: width }, async () => {
      while (!this.#over) this.#codes.push((await caller.unary("x")).code);
    });
  }

  /** How the calls ended. */
  async stop(): Promise<number[]> {
    this.#over = true;
    await Promise.all(this.#loops);
    return this.#codes;
  }
}

/** The program in front of gRPC servers, and a client on one connection to it, over TLS. */
async function grpcProxy(origins: readonly { readonly address: string }[], options: WebOptions = {}) {
  const authority = await TestAuthority.create();
  const issued = await authority.issue({ names: ["127.0.0.1", "localhost"] });
  const { cert, key } = certificateFiles(issued);
  const tls = { certificates: [{ cert, key }] };
  const whole = { upstream: { protocol: "h2c" }, ...options, listener: { tls, ...options.listener } };
  const evenkeel = await startProxy(
    origins.map(({ address }) => address),
    whole,
  );
  const client = (more = {}) => new GrpcClient(evenkeel.port(), authority.pem, more);
  return { evenkeel, client, options: whole };
}

describe("gRPC calls of every kind", () => {
  it("pass with their messages, metadata and trailers", async () => {
    const origin = await startGrpcOrigin("one");
    const { evenkeel, client } = await grpcProxy([origin]);
    const caller = client();

    const unary = await caller.unary("hello");
    expect([unary.code, String(unary.messages[0])]).toEqual([status.OK, "hello"]);
    expect([unary.head.get("server"), unary.trailers.get("count")]).toEqual([["one"], ["1"]]);

    const collected = await caller.collect([1, 70_000, 0, 3].map(payloadBytes));
    expect([collected.code, collected.messages[0].length]).toEqual([status.OK, 70_004]);
    expect(collected.trailers.get("count")).toEqual(["4"]);

    const spread = await caller.spread(Buffer.from("abcdef"));
    expect([spread.code, spread.messages.map(String).join(",")]).toEqual([status.OK, "a,b,c,d,e,f"]);
    expect(spread.trailers.get("count")).toEqual(["6"]);

    const chat = caller.chat();
    for (let i = 1; i <= 20; i++) {
      chat.call.write(Buffer.from(`message ${i}`));
      await waitFor(`echo ${i}`, () => chat.received === i);
    }
    chat.call.end();
    const { code, messages, trailers } = await chat.outcome;
    expect([code, messages.length, trailers.get("count")]).toEqual([status.OK, 20, ["20"]]);
    await waitForQuiet(evenkeel);
  });

  it("carry big messages whole", async () => {
    const origin = await startGrpcOrigin("one");
    const { client } = await grpcProxy([origin]);
    const message = payloadBytes(8_000_000);
    const { code, messages } = await client().unary(message);
    expect([code, messages[0].equals(message)]).toEqual([status.OK, true]);
  });

  it("pass the servers' errors with their details", async () => {
    const origin = await startGrpcOrigin("one");
    const { client } = await grpcProxy([origin]);
    const details = Buffer.from([8, 5, 0, 255]);
    const outcome = await client().unary("x", { fail: String(status.NOT_FOUND), "details-bin": details });
    expect([outcome.code, outcome.details]).toEqual([status.NOT_FOUND, "as asked: 100 % ünï"]);
    expect(outcome.trailers.get("grpc-status-details-bin")).toEqual([details]);
  });

  it("are quiet for as long as they like", async () => {
    const origin = await startGrpcOrigin("one");
    const { client } = await grpcProxy([origin], { limits: { bodyTimeout: "300ms" } });
    const chat = client().chat();
    chat.call.write(Buffer.from("a"));
    await waitFor("the echo", () => chat.received === 1);
    await new Promise((resolve) => setTimeout(resolve, 1000));
    chat.call.write(Buffer.from("b"));
    await waitFor("the second echo", () => chat.received === 2);
    chat.call.end();
    expect((await chat.outcome).code).toBe(status.OK);
  });
});

describe("gRPC calls and balancing", () => {
  it("go to all servers from one connection", async () => {
    const origins = await Promise.all(["one", "two", "three"].map((name) => startGrpcOrigin(name)));
    const { client } = await grpcProxy(origins, { workers: 2 });
    const caller = client();
    const outcomes = await Promise.all(Array.from({ length: 90 }, (_, i) => caller.unary(`call ${i}`)));
    expect(outcomes.map(({ messages }) => String(messages[0]))).toEqual(outcomes.map((_, i) => `call ${i}`));
    expect(origins.map(({ calls }) => calls)).toEqual([30, 30, 30]);
  });

  it("survive a server that shuts down in good order", async () => {
    const [one, two] = [await startGrpcOrigin("one"), await startGrpcOrigin("two")];
    const { evenkeel, client } = await grpcProxy([one, two], { pool: { retries: { attempts: 3 } } });
    const caller = client();
    const load = new CallLoad(caller, 8);
    await waitFor("calls on both", () => one.calls > 20 && two.calls > 20);
    await one.shutDown();
    const after = two.calls;
    await waitFor("more calls", () => two.calls > after + 50);
    expect((await load.stop()).filter((code) => code !== status.OK)).toEqual([]);
    await waitForQuiet(evenkeel);
  });
});

describe("gRPC calls that fail", () => {
  it("say UNAVAILABLE when their server is killed in the midst of the answer", async () => {
    const origin = await startGrpcOrigin("one");
    const { evenkeel, client } = await grpcProxy([origin]);
    const chat = client().chat();
    chat.call.write(Buffer.from("a"));
    await waitFor("the echo", () => chat.received === 1);
    origin.kill();
    const { code, details } = await chat.outcome;
    expect([code, details]).toEqual([status.UNAVAILABLE, expect.stringContaining("request ")]);
    await waitForQuiet(evenkeel);
  });

  it("say what is wrong: no route, no server, a limit", async () => {
    const origin = await startGrpcOrigin("one");
    const { client } = await grpcProxy([origin], {
      listener: { routes: [{ match: { path: "/other/*" }, pool: "web" }] },
    });
    const noRoute = await client().unary("x");
    expect([noRoute.code, noRoute.details]).toEqual([
      status.UNIMPLEMENTED,
      expect.stringMatching(/^No route .*\(no_route, request .+\)$/),
    ]);
    const closed = await startGrpcOrigin("gone");
    closed.kill();
    const { client: toNobody } = await grpcProxy([closed]);
    expect((await toNobody().unary("x")).code).toBe(status.UNAVAILABLE);
    const { client: limited } = await grpcProxy([origin], { limits: { maxBodySize: 1000 } });
    expect((await limited().unary(payloadBytes(5000))).code).toBe(status.RESOURCE_EXHAUSTED);
  });

  it("are tried again on another server for the statuses that the pool names", async () => {
    const [one, two] = [await startGrpcOrigin("one"), await startGrpcOrigin("two")];
    const { client } = await grpcProxy([one, two], {
      pool: { retries: { on: ["connect", "grpc_unavailable"] }, outlierDetection: "off" },
    });
    one.fail = { times: 10, code: status.UNAVAILABLE };
    const caller = client();
    for (let i = 0; i < 4; i++) {
      const { code, head } = await caller.unary("x");
      expect([code, head.get("server")]).toEqual([status.OK, ["two"]]);
    }
    expect(one.calls).toBeGreaterThan(0);
    one.fail = two.fail = { times: 10, code: status.ABORTED };
    expect((await caller.unary("x")).code).toBe(status.ABORTED);
  });

  it("whose server dies before it has answered go to another one, if the pool lets POST be repeated", async () => {
    const [one, two] = [await startGrpcOrigin("one"), await startGrpcOrigin("two")];
    const { client } = await grpcProxy([one, two], { pool: { retries: { nonIdempotent: true } } });
    const calls = ["a", "b"].map((message) => client().unary(message, { hold: "1" }));
    await waitFor("both calls", () => one.held.length === 1 && two.held.length === 1);
    one.kill();
    await waitFor("the repeated call", () => two.held.length === 2);
    for (const answer of two.held) answer();
    const outcomes = await Promise.all(calls);
    expect(outcomes.map(({ code, messages }) => `${code} ${String(messages[0])}`)).toEqual(["0 a", "0 b"]);
  });

  it("count as failures of their server", async () => {
    const origin = await startGrpcOrigin("one");
    const { evenkeel, client } = await grpcProxy([origin]);
    const caller = client();
    for (const code of [status.INTERNAL, status.UNAVAILABLE, status.NOT_FOUND, status.INVALID_ARGUMENT])
      await caller.unary("x", { fail: String(code) });
    await caller.unary("x");
    await waitFor("the count", async () => (await serverCounters(evenkeel))[0].requests === 5);
    expect((await serverCounters(evenkeel))[0].errors).toBe(2);
  });
});

describe("gRPC deadlines", () => {
  it("hold for the proxy, whatever the server does", async () => {
    // A server that takes connections and says nothing, so that the answer is the proxy's.
    const origin = await startRawOrigin(() => undefined);
    const { evenkeel, client } = await grpcProxy([origin]);
    // Not as the client's own deadline, which would be over first.
    const { code, details } = await client().unary("x", { "grpc-timeout": "300m" });
    expect([code, details]).toEqual([status.DEADLINE_EXCEEDED, expect.stringContaining("request_timeout")]);
    await waitForQuiet(evenkeel);
  });

  it("of clients that give up end the server's call", async () => {
    const origin = await startGrpcOrigin("one");
    const { evenkeel, client } = await grpcProxy([origin]);
    expect((await client().unary("x", { hold: "1" }, 300)).code).toBe(status.DEADLINE_EXCEEDED);
    await waitFor("the server to hear of it", () => origin.cancelled === 1);
    await waitForQuiet(evenkeel);
  });
});

describe("gRPC and the node", () => {
  it("lets calls end when it drains", async () => {
    const origin = await startGrpcOrigin("one");
    const { evenkeel, client } = await grpcProxy([origin]);
    const caller = client();
    const held = caller.unary("x", { hold: "1" });
    await waitFor("the call", () => origin.held.length === 1);
    evenkeel.signal("SIGTERM");
    await evenkeel.waitForLog(/drain/i);
    origin.held[0]();
    expect((await held).code).toBe(status.OK);
    expect(await evenkeel.exited).toBe(0);
  });

  it("loses no call over a reload that changes the servers", async () => {
    const [one, two] = [await startGrpcOrigin("one"), await startGrpcOrigin("two")];
    const { evenkeel, client, options } = await grpcProxy([one]);
    const caller = client();
    const load = new CallLoad(caller, 4);
    await waitFor("calls", () => one.calls > 20);
    await reload(evenkeel, [two], options);
    await waitFor("calls on the other", () => two.calls > 50);
    expect((await load.stop()).filter((code) => code !== status.OK)).toEqual([]);
  });

  it("sends calls only to servers whose health service says SERVING", async () => {
    const [one, two] = [await startGrpcOrigin("one"), await startGrpcOrigin("two")];
    two.serving = false;
    const { evenkeel, client } = await grpcProxy([one, two], {
      pool: { healthCheck: { type: "grpc", interval: "100ms", unhealthyInterval: "100ms", unknownInterval: "50ms" } },
    });
    const states = async () => {
      const { servers } = (await evenkeel.admin("/api/v2/servers")) as { servers: { state: string }[] };
      return servers.map(({ state }) => state).join();
    };
    await waitFor("one to be up and two down", async () => (await states()) === "up,down");
    const caller = client();
    for (let i = 0; i < 6; i++) expect((await caller.unary("x")).head.get("server")).toEqual(["one"]);
    two.serving = true;
    one.serving = false;
    await waitFor("the other way round", async () => (await states()) === "down,up");
    for (let i = 0; i < 6; i++) expect((await caller.unary("x")).head.get("server")).toEqual(["two"]);
  });
});

async function reload(
  evenkeel: Evenkeel,
  origins: readonly { readonly address: string }[],
  options: WebOptions,
): Promise<void> {
  const from = evenkeel.log.length;
  evenkeel.writeConfig(
    webConfig(
      origins.map(({ address }) => address),
      options,
    ),
  );
  evenkeel.signal("SIGHUP");
  await evenkeel.waitForLog(/is in use/, from);
}
