import { afterEach, describe, expect, it, vi } from "vitest";
import { handlesWork } from "./accept.ts";
import { openConnection } from "./connect.ts";
import { HandleSocket } from "./handle-socket.ts";
import { loadBindings } from "./node-bindings.ts";
import { RecordingOwner, until } from "./stream-socket.contract.ts";

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

describe("bindings", () => {
  it("are found, with numbers that are places of the state's array", () => {
    const bindings = loadBindings()!;
    for (const place of [bindings.kReadBytesOrError, bindings.kBytesWritten, bindings.kLastWriteWasAsync])
      expect(bindings.streamBaseState[place]).toBeTypeOf("number");
  });

  it("are left alone when EVENKEEL_PLAIN_SOCKETS says so", () => {
    vi.stubEnv("EVENKEEL_PLAIN_SOCKETS", "1");
    expect(loadBindings()).toBeUndefined();
    vi.stubEnv("EVENKEEL_PLAIN_SOCKETS", "0");
    expect(loadBindings()).toBeDefined();
  });

  it.each([
    ["nothing", {}],
    ["classes that are none", { TCP: 1, constants: { SOCKET: 0 }, TCPConnectWrap: 1 }],
  ])("are not used when Node has %s in their place", (_, found) => {
    vi.spyOn(process as unknown as { binding(): unknown }, "binding").mockReturnValue(found);
    expect(loadBindings()).toBeUndefined();
  });

  it("are not used when Node has closed the door", () => {
    vi.spyOn(process as unknown as { binding(): unknown }, "binding").mockImplementation(() => {
      throw new Error("no such module");
    });
    expect(loadBindings()).toBeUndefined();
  });
});

describe("handlesWork", () => {
  it("tries handles on a connection of its own, once", async () => {
    const first = handlesWork();
    expect(await first).toBe(true);
    expect(handlesWork()).toBe(first);
  });
});

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
