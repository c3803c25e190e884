import { describe, expect, it } from "vitest";
import { settings } from "../../test/http2/support/raw-frames.ts";
import { defaults } from "../../test/http2/support/recorded-connection.ts";
import { ErrorCode } from "./error-code.ts";
import { ownSettings, PeerSettings } from "./settings.ts";

function read(peer: PeerSettings, pairs: Readonly<Record<number, number>>): number {
  const payload = settings(pairs).subarray(9);
  return peer.read(payload, 0, payload.length);
}

describe("our settings", () => {
  const base = { ...defaults, now: () => 0 };

  it("of a server say what differs from the defaults", () => {
    expect(ownSettings({ ...base, role: "server" })).toEqual([3, 10, 6, 8192, 9, 1]);
    const large = { streamWindow: 100_000, maxFrameSize: 20_000, headerTableSize: 0, enableConnectProtocol: true };
    expect(ownSettings({ ...base, ...large, role: "server" })).toEqual([
      1, 0, 3, 10, 4, 100_000, 5, 20_000, 6, 8192, 8, 1, 9, 1,
    ]);
  });

  it("of a client forbid push", () => {
    expect(ownSettings({ ...base, enableConnectProtocol: true, role: "client" })).toEqual([2, 0, 6, 8192]);
  });
});

describe("the peer's settings", () => {
  it("hold until they are changed, one by one", () => {
    const peer = new PeerSettings(false);
    expect([peer.received, peer.maxConcurrentStreams, peer.initialWindowSize]).toEqual([false, Infinity, 65_535]);
    expect(read(peer, { 1: 100, 3: 7, 4: 9, 8: 1 })).toBe(-1);
    expect(read(peer, { 3: 0xffffffff, 99: 1 })).toBe(-1);
    expect(peer.received).toBe(true);
    expect([peer.headerTableSize, peer.maxConcurrentStreams, peer.initialWindowSize]).toEqual([100, 0xffffffff, 9]);
    expect(peer.enableConnectProtocol).toBe(true);
  });

  it("are refused with a sentence that says why", () => {
    const peer = new PeerSettings(true);
    expect(read(peer, { 4: 0x80000000 })).toBe(ErrorCode.flowControlError);
    expect(peer.problem).toContain("INITIAL_WINDOW_SIZE");
    expect(read(peer, { 2: 1 })).toBe(ErrorCode.protocolError);
    expect(peer.problem).toContain("push");
  });
});
