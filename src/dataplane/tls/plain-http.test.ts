import { expect, it } from "vitest";
import { looksLikeHttp, plainHttpAnswer } from "./plain-http.ts";

const looks = (text: string) => looksLikeHttp(Buffer.from(text, "latin1"));

it("requests of HTTP are told from other bytes by their method", () => {
  for (const text of ["GET / HTTP/1.1\r\n", "POST /", "PROPPATCH /x", "PRI * HTTP/2.0"]) expect(looks(text)).toBe(true);
  for (const text of [
    "",
    "GET",
    "get / ",
    "GE /",
    " GET /",
    "SSH-2.0-x",
    "G\0T / ",
    "ABCDEFGHIJKLMNOP / ",
    "\x16\x03\x01",
  ])
    expect(looks(text)).toBe(false);
});

it("the answer says what is wrong", () => {
  const text = plainHttpAnswer("id1");
  expect(text).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
  expect(text).toContain('"code":"plain_http"');
  expect(text).toContain("\r\nConnection: close\r\n");
});
