import { ServerCredentials, status } from "@grpc/grpc-js";
import { describe, expect, it } from "vitest";
import { certificateFiles, TestAuthority } from "../support/certificates.ts";
import { GrpcClient } from "../support/grpc-client.ts";
import { startGrpcOrigin } from "../support/grpc-origin.ts";
import { startProxy, waitForQuiet } from "../support/proxy.ts";
import { waitFor } from "../support/wait.ts";

/** Calls of three kinds, all of which must succeed. */
async function callAll(caller: GrpcClient): Promise<void> {
  const outcomes = [
    await caller.unary("hello"),
    await caller.collect([Buffer.from("a"), Buffer.alloc(100_000)]),
    await caller.spread(Buffer.from("abc")),
  ];
  expect(outcomes.map(({ code, messages }) => [code, messages.length])).toEqual([
    [status.OK, 1],
    [status.OK, 1],
    [status.OK, 3],
  ]);
  const chat = caller.chat();
  chat.call.write(Buffer.from("x"));
  await waitFor("the echo", () => chat.received === 1);
  chat.call.end();
  expect((await chat.outcome).code).toBe(status.OK);
}

describe("gRPC", () => {
  it.each(["http2", "auto"])("reaches servers over TLS, verified: protocol %s", async (protocol) => {
    const authority = await TestAuthority.create();
    const issued = await authority.issue({ names: ["grpc.test"] });
    const { ca } = certificateFiles(issued);
    const credentials = ServerCredentials.createSsl(null, [
      { cert_chain: Buffer.from(issued.chain), private_key: Buffer.from(issued.key) },
    ]);
    const origin = await startGrpcOrigin("one", credentials);
    const evenkeel = await startProxy([origin.address], {
      upstream: { protocol, tls: { ca: [ca], serverName: "grpc.test" } },
    });
    await callAll(new GrpcClient(evenkeel.port()));
    await waitForQuiet(evenkeel);
  });

  it("comes in the clear from clients that know that HTTP/2 is spoken", async () => {
    const origin = await startGrpcOrigin("one");
    const evenkeel = await startProxy([origin.address], { upstream: { protocol: "h2c" } });
    await callAll(new GrpcClient(evenkeel.port()));
    await waitForQuiet(evenkeel);
  });
});
