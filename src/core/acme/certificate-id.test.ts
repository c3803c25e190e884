import { expect, it } from "vitest";
import { certificateId } from "./certificate-id.ts";

const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex.replaceAll(":", ""), "hex"));

it("is that of the example in RFC 9773 4.1", () => {
  const key = bytes("69:88:5B:6B:87:46:40:41:E1:B3:7B:84:7B:A0:AE:2C:DE:01:C8:D4");
  expect(certificateId(key, bytes("00:87:65:43:21"))).toBe("aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE");
});

it("is base64url without padding, for every length", () => {
  for (let length = 0; length < 10; length++) {
    const sample = Uint8Array.from({ length }, (_, i) => 255 - i * 7);
    const text = Buffer.from(sample).toString("base64url");
    expect(certificateId(sample, sample)).toBe(`${text}.${text}`);
  }
});
