import { describe, expect, it } from "vitest";
import { FIELD_NAMES, FieldId, fieldId, fieldIdOfBytes } from "./fields.ts";

const idOf = (name: string) => {
  const bytes = Buffer.from(`--${name}--`);
  const id = fieldIdOfBytes(bytes, 2, 2 + name.length);
  expect(fieldId(`--${name}--`, 2, 2 + name.length)).toBe(id);
  return id;
};

describe("ids of field names", () => {
  it("are found whatever the case, for each name that is known", () => {
    for (const [id, name] of FIELD_NAMES.entries()) {
      if (id === 0) continue;
      expect([idOf(name), idOf(name.toUpperCase())]).toEqual([id, id]);
    }
  });

  it("are 0 for all others", () => {
    for (const name of ["a", "x-forwarded-fo", "x-forwarded-forr", "hots", "content_length", "transfer_encoding", "x_"])
      expect(idOf(name)).toBe(0);
  });

  it("are the same with underscores for what only proxies may say, as servers of the CGI kind take them", () => {
    expect(idOf("X_Forwarded_For")).toBe(FieldId.xForwardedFor);
    expect(idOf("x-forwarded_proto")).toBe(FieldId.xForwardedProto);
    expect(idOf("x_real_ip")).toBe(FieldId.xRealIp);
    expect(idOf("X_CLIENT_CERT_SUBJECT")).toBe(FieldId.xClientCertSubject);
    expect(idOf("client_cert")).toBe(FieldId.clientCert);
  });
});
