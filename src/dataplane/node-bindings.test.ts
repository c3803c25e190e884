import { afterEach, describe, expect, it, vi } from "vitest";
import { loadBindings } from "./node-bindings.ts";

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
