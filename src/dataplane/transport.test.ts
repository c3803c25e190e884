import net from "node:net";
import { describe, expect, it } from "vitest";
import { listenOnce, RecordingOwner, streamSocketContract, until } from "./stream-socket.contract.ts";
import {
  adoptSocket,
  giveReadBuffer,
  openNetConnection,
  READ_SIZE,
  sharedReadBuffer,
  takeReadBuffer,
} from "./transport.ts";

describe("an accepted net.Socket", () => {
  streamSocketContract(async (owner) => {
    let socket: net.Socket | undefined;
    const { port } = await listenOnce((accepted) => {
      socket = accepted;
      adoptSocket(accepted, owner);
    });
    const peer = net.connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    await until(() => socket !== undefined && !peer.connecting);
    return { socket: socket!, peer };
  });
});

describe("an opened net.Socket", () => {
  streamSocketContract(async (owner) => {
    let peer: net.Socket | undefined;
    const { port } = await listenOnce((accepted) => (peer = accepted));
    const socket = openNetConnection({ host: "127.0.0.1", port }, owner);
    await until(() => owner.connects === 1 && peer !== undefined);
    return { socket, peer: peer! };
  });

  it("tells of a connection that cannot be made", async () => {
    const { server, port } = await listenOnce(() => undefined);
    server.close();
    const owner = new RecordingOwner();
    openNetConnection({ host: "127.0.0.1", port }, owner);
    await until(() => owner.closes === 1);
    expect([owner.connects, (owner.error as NodeJS.ErrnoException).code]).toEqual([0, "ECONNREFUSED"]);
  });
});

describe("read buffers", () => {
  it("are used again once they were given back, but never the shared one", () => {
    const buffer = takeReadBuffer();
    expect(buffer.length).toBe(READ_SIZE);
    giveReadBuffer(sharedReadBuffer);
    const other = takeReadBuffer();
    expect(other).not.toBe(sharedReadBuffer);
    expect(other).not.toBe(buffer);
    giveReadBuffer(buffer);
    expect(takeReadBuffer()).toBe(buffer);
  });
});
