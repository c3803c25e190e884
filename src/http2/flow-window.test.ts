import { describe, expect, it } from "vitest";
import { initialReceiveWindow, ReceiveWindow } from "./flow-window.ts";

describe("ReceiveWindow", () => {
  it("is given back when half of it is used up, in one go", () => {
    const window = new ReceiveWindow(1000, 1000);
    expect(window.take(600)).toBe(true);
    expect(window.giveBack(400)).toBe(0);
    expect(window.giveBack(100)).toBe(500);
    expect(window.remaining).toBe(900);
    expect(window.giveBack(100)).toBe(0);
  });

  it("says when more has come than was allowed", () => {
    const window = new ReceiveWindow(10, 10);
    expect(window.take(10)).toBe(true);
    expect(window.take(1)).toBe(false);
  });

  it("of less than the initial size gives nothing back until it has become as small as it should be", () => {
    const window = new ReceiveWindow(100, 65_535);
    expect(window.take(65_535)).toBe(true);
    expect(window.giveBack(65_435 + 49)).toBe(0);
    expect(window.giveBack(1)).toBe(50);
    expect(window.remaining).toBe(50);
  });

  it("that the peer has made smaller itself gives back what was used up before", () => {
    const window = new ReceiveWindow(100, 65_535);
    window.take(200);
    expect(window.giveBack(200)).toBe(0);
    window.shrink(65_435);
    expect(window.remaining).toBe(-100);
    expect(window.giveBack(0)).toBe(200);
    expect(window.remaining).toBe(100);
  });

  it("of one byte works", () => {
    const window = new ReceiveWindow(1, 1);
    expect(window.take(1)).toBe(true);
    expect(window.giveBack(1)).toBe(1);
  });
});

it("streams begin with the larger of both windows as long as the peer may not know ours", () => {
  expect(initialReceiveWindow(10, false)).toBe(65_535);
  expect(initialReceiveWindow(10, true)).toBe(10);
  expect(initialReceiveWindow(100_000, false)).toBe(100_000);
});
