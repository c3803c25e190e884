import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { errors } from "../errors.ts";
import { grpcKind, isGrpc, withGrpcKind } from "./content-type.ts";
import { grpcErrorAnswer, grpcErrorTrailers } from "./error-answer.ts";
import { encodeGrpcMessage } from "./message.ts";
import { GrpcStatus, grpcStatusOf, grpcStatusOfHttp } from "./status.ts";
import { grpcDeadline } from "./timeout.ts";

describe("grpc-timeout", () => {
  it.each([
    ["1H", 3_600_000],
    ["2M", 120_000],
    ["30S", 30_000],
    ["250m", 250],
    ["1500u", 1.5],
    ["99999999n", 99.999999],
    ["0m", 0],
    ["00000001S", 1000],
  ])("%s is %d ms", (value, ms) => expect(grpcDeadline(value)).toBeCloseTo(ms, 9));

  it.each([undefined, "", "1", "S", "123456789S", "1s", "-1S", "1.5S", "1S ", " 1S", "1SS", "1 S", "+1S"])(
    "%j is none",
    (value) => expect(grpcDeadline(value)).toBeUndefined(),
  );
});

describe("grpc-message", () => {
  it("is printable ASCII that decodes to what it was", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const encoded = encodeGrpcMessage(text);
        expect(encoded).toMatch(/^[ -~]*$/);
        expect(decodeURIComponent(encoded)).toBe(text.toWellFormed());
      }),
    );
  });

  it("leaves what may stay", () => {
    expect(encodeGrpcMessage("50% of 'a b' & \n\u{1f600}\u007f")).toBe("50%25 of 'a b' & %0A%F0%9F%98%80%7F");
  });
});

describe("content types", () => {
  it.each([
    ["application/grpc", "grpc"],
    ["application/grpc+proto", "grpc"],
    ["APPLICATION/GRPC;x=y", "grpc"],
    ["application/grpc-web", "web"],
    ["application/grpc-web+proto", "web"],
    ["application/grpc-web-text", "web-text"],
    ["application/grpc-web-text+proto; a=b", "web-text"],
    ["application/grpc-websocket", "none"],
    ["application/grpc-web-texts", "none"],
    ["application/grpcx", "none"],
    ["application/json", "none"],
    ["", "none"],
    [undefined, "none"],
  ] as const)("%s is %s", (type, kind) => {
    expect(grpcKind(type)).toBe(kind);
    expect(isGrpc(type)).toBe(kind === "grpc");
  });

  it("keep their format when the kind changes", () => {
    expect(withGrpcKind("application/grpc-web-text+proto", "grpc")).toBe("application/grpc+proto");
    expect(withGrpcKind("application/grpc", "web-text")).toBe("application/grpc-web-text");
    expect(withGrpcKind("application/grpc-web;v=1", "web")).toBe("application/grpc-web;v=1");
  });
});

function of(name: keyof typeof errors): GrpcStatus {
  return grpcStatusOf(errors[name]);
}

describe("statuses", () => {
  it("of answers without one are those that clients assume", () => {
    const mapped = [400, 401, 403, 404, 429, 502, 503, 504, 200, 418, 500].map(grpcStatusOfHttp);
    expect(mapped).toEqual([13, 16, 7, 12, 14, 14, 14, 14, 2, 2, 2]);
  });

  it("of our own errors say what went wrong", () => {
    expect(of("noRoute")).toBe(GrpcStatus.unimplemented);
    expect(of("requestTimeout")).toBe(GrpcStatus.deadlineExceeded);
    expect(of("responseTimeout")).toBe(GrpcStatus.deadlineExceeded);
    expect(of("connectTimeout")).toBe(GrpcStatus.unavailable);
    expect(of("connectFailed")).toBe(GrpcStatus.unavailable);
    expect(of("noServer")).toBe(GrpcStatus.unavailable);
    expect(of("queueFull")).toBe(GrpcStatus.resourceExhausted);
    expect(of("bodyTooLarge")).toBe(GrpcStatus.resourceExhausted);
    expect(of("filterFailed")).toBe(GrpcStatus.internal);
    expect(of("clientGone")).toBe(GrpcStatus.cancelled);
  });

  it("are known for every error, none of which may look like success or like nothing in particular", () => {
    for (const error of Object.values(errors)) {
      expect([GrpcStatus.ok, GrpcStatus.unknown], error.code).not.toContain(grpcStatusOf(error));
    }
  });

  it("are what the documentation says, of every code that it names", () => {
    const documentation = readFileSync(new URL("../../../docs/grpc.md", import.meta.url), "utf8");
    const named = new Map(
      [...documentation.matchAll(/^\| (\d+) +[A-Z_]+ +\| (.+?) +\|$/gm)].map((row) => [row[1], row[2]]),
    );
    expect(named.size).toBeGreaterThan(5);
    for (const [status, text] of named) {
      for (const [, code] of text!.matchAll(/`([a-z_]+)`/g)) {
        const error = Object.values(errors).find((one) => one.code === code);
        expect(error, code).toBeDefined();
        expect(grpcStatusOf(error!), code).toBe(Number(status));
      }
      for (const [http] of text!.matchAll(/\b\d{3}\b/g)) {
        expect(grpcStatusOf({ code: "some_other", status: Number(http) }), http).toBe(Number(status));
      }
    }
  });
});

describe("error answers", () => {
  it("are trailers without a body for gRPC", () => {
    expect(grpcErrorAnswer(errors.noServer, "No server: 100%.", "id-7", "application/grpc+proto")).toEqual({
      status: 200,
      headers: {
        "content-type": "application/grpc",
        "grpc-status": "14",
        "grpc-message": "No server: 100%25. (no_server, request id-7)",
        "x-request-id": "id-7",
      },
    });
  });

  it("keep the content type of gRPC-Web", () => {
    const answer = grpcErrorAnswer(errors.noRoute, "x", "i", "application/grpc-web-text+proto");
    expect(answer?.headers).toMatchObject({ "content-type": "application/grpc-web-text+proto", "grpc-status": "12" });
  });

  it("are not for others", () => {
    for (const type of [undefined, "application/json"])
      expect(grpcErrorAnswer(errors.noServer, "x", "i", type)).toBeUndefined();
  });

  it("end an answer that has begun", () => {
    expect(grpcErrorTrailers(errors.responseTruncated, "Cut\r\noff.", "i")).toBe(
      "grpc-status: 14\r\ngrpc-message: Cut%0D%0Aoff. (response_truncated, request i)\r\n",
    );
  });
});
