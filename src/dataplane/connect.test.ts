import { describe, expect, it } from "vitest";
import { openConnection } from "./connect.ts";
import { HandleSocket } from "./handle-socket.ts";
import { RecordingOwner, until } from "./stream-socket.contract.ts";

describe("openConnection", () => {
  it.each([
    [{ host: "127.0.0.1", port: 1 }, true],
    [{ host: "::1", port: 1 }, true],
    [{ host: "localhost", port: 1 }, false],
    [{ path: "/no/such/socket" }, false],
  ])("to %j works on a handle: %s", async (target, handle) => {
    const owner = new RecordingOwner();
    const socket = openConnection(target, owner);
    expect(socket instanceof HandleSocket).toBe(handle);
    await until(() => owner.closes === 1);
    expect([owner.connects, owner.error]).toEqual([0, expect.any(Error)]);
  });
});
