import { expect, it } from "vitest";
import { CLIENT_PREFACE, matchPreface } from "./preface.ts";

it("matches the preface in any pieces, and looks at nothing behind it", () => {
  const bytes = Buffer.concat([Buffer.from("##"), CLIENT_PREFACE, Buffer.from("GET")]);
  for (let cut = 0; cut <= CLIENT_PREFACE.length; cut++) {
    const matched = matchPreface(bytes, 2, 2 + cut, 0);
    expect(matched).toBe(cut);
    expect(matchPreface(bytes, 2 + cut, bytes.length, matched)).toBe(CLIENT_PREFACE.length);
  }
});

it("tells anything else from the first byte that differs on", () => {
  for (let at = 0; at < CLIENT_PREFACE.length; at++) {
    const bytes = Buffer.from(CLIENT_PREFACE);
    bytes[at] ^= 1;
    expect(matchPreface(bytes, 0, at, 0)).toBe(at);
    expect(matchPreface(bytes, 0, at + 1, 0)).toBe(-1);
  }
});
