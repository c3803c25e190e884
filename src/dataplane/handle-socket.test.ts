import net from "node:net";
import { describe, expect, it } from "vitest";
import { takeHandles } from "./accept.ts";
import { handlesAvailable, HandleSocket } from "./handle-socket.ts";
import { listenOnce, RecordingOwner, streamSocketContract, until } from "./stream-socket.contract.ts";

describe("handles", () => {
  it("are there on the Node that we develop with: or the following would test nothing", () => {
    expect(handlesAvailable).toBe(true);
  });
});

describe("an accepted HandleSocket", () => {
  streamSocketContract(async (owner) => {
    let socket: HandleSocket | undefined;
    const { server, port } = await listenOnce(() => undefined);
    const taken = takeHandles(server, (handle, remote) => {
      expect(remote).toBe("127.0.0.1");
      socket = new HandleSocket(handle, owner);
      socket.resume();
    });
    expect(taken).toBe(true);
    const peer = net.connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    await until(() => socket !== undefined && !peer.connecting);
    return { socket: socket!, peer };
  });
});

describe("an opened HandleSocket", () => {
  streamSocketContract(async (owner) => {
    let peer: net.Socket | undefined;
    const { port } = await listenOnce((accepted) => (peer = accepted));
    const socket = HandleSocket.connect("127.0.0.1", port, owner, () => owner.onConnect());
    await until(() => owner.connects === 1 && peer !== undefined);
    return { socket, peer: peer! };
  });

  it("tells of a connection that cannot be made", async () => {
    const { server, port } = await listenOnce(() => undefined);
    server.close();
    const owner = new RecordingOwner();
    HandleSocket.connect("127.0.0.1", port, owner, () => owner.onConnect());
    await until(() => owner.closes === 1);
    expect([owner.connects, owner.error?.message]).toEqual([0, "connect ECONNREFUSED"]);
    expect((owner.error as NodeJS.ErrnoException).code).toBe("ECONNREFUSED");
  });
  it("takes IPv6 addresses as well", async () => {
    const owner = new RecordingOwner();
    // Nobody listens on port 1, with or without IPv6.
    HandleSocket.connect("::1", 1, owner, () => owner.onConnect());
    await until(() => owner.closes === 1);
    expect([owner.connects, owner.error?.message]).toEqual([0, expect.stringMatching(/^connect E/)]);
  });
});
