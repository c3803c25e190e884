import { connect as connectHttp2, constants, type ClientHttp2Stream } from "node:http2";
import type { TLSSocket } from "node:tls";
import type { ProbeContext, ProbeResult, ProbeTarget } from "../../../core/health/probe.ts";
import { authorityOf } from "./authority.ts";
import { connectFailure, connectPlain, errorText, isLocal } from "./connection.ts";
import { decodeHealthResponse, encodeHealthRequest } from "./grpc-messages.ts";
import { healthy, inWords, unhealthy, unreachable } from "./outcome.ts";
import { connectTls, judgeCertificate, type CertificateJudgement, type TlsSettings } from "./tls-connection.ts";

export interface GrpcSettings extends TlsSettings {
  readonly service: string;
  readonly tls: boolean;
}

/** Bytes of an answer that are kept. */
const MAX_ANSWER = 8 * 1024;

/** Statuses of gRPC with a meaning here: https://grpc.github.io/grpc/core/md_doc_statuscodes.html */
const STATUS: Readonly<Record<string, string>> = {
  "5": "the server does not know the service",
  "12": "the server has no grpc.health.v1.Health",
  "14": "the server says that it is unavailable",
};

/** One call on a connection of its own, over HTTP/2 with prior knowledge or, with `tls`, by ALPN. */
export function checkByGrpc(target: ProbeTarget, settings: GrpcSettings, context: ProbeContext): Promise<ProbeResult> {
  const { signal } = context;
  if (signal.aborted) return Promise.resolve(unhealthy("the time was over before the check began"));
  return new Promise((resolve, reject) => {
    const { socket, ready } = (settings.tls ? connectTls(settings, ["h2"]) : connectPlain)(target.address);
    const authority = authorityOf(target.address, settings.tls ? 443 : 80);
    let connected = false;
    let certificate: CertificateJudgement | undefined;
    let settled = false;
    let close = (): void => void socket.destroy();
    const finish = (): boolean => {
      if (settled) return false;
      settled = true;
      signal.removeEventListener("abort", onAbort);
      close();
      return true;
    };
    const settle = (result: ProbeResult): void => {
      if (finish()) resolve(withCertificate(result, certificate));
    };
    const onAbort = (): void => {
      const time = inWords(context.timeout);
      settle(connected ? unhealthy(`no answer within ${time}`) : unreachable(`no connection within ${time}`));
    };
    const onError = (error: NodeJS.ErrnoException): void => {
      if (!connected && isLocal(error)) {
        if (finish()) reject(new Error(`the check could not be made: ${errorText(error)}`));
      } else settle(connected ? unhealthy(`connection lost: ${errorText(error)}`) : connectFailure(error));
    };
    signal.addEventListener("abort", onAbort);
    socket.on("error", onError);
    socket.on("close", () => settle(unhealthy("the server closed the connection without an answer")));
    socket.once("connect", () => (connected = true));
    socket.once(ready, () => {
      if (settled) return;
      if (settings.tls) {
        const secure = socket as TLSSocket;
        certificate = judgeCertificate(secure, settings, context.clock.wall());
        if (certificate.result?.outcome === "unhealthy") return settle(certificate.result);
        if (secure.alpnProtocol !== "h2") return settle(unhealthy("the server does not speak HTTP/2 over TLS"));
      }
      const session = connectHttp2(`${settings.tls ? "https" : "http"}://${authority}`, {
        createConnection: () => socket,
        settings: { enablePush: false, initialWindowSize: MAX_ANSWER, maxHeaderListSize: MAX_ANSWER },
      });
      close = () => {
        session.destroy();
        socket.destroy();
      };
      session.on("error", onError);
      session.on(
        "goaway",
        (code) => code !== 0 && settle(unhealthy(`the server refused the connection (GOAWAY ${code})`)),
      );
      ask(
        session.request({
          ":method": "POST",
          ":path": "/grpc.health.v1.Health/Check",
          "content-type": "application/grpc",
          te: "trailers",
          "user-agent": "evenkeel-health/1",
          "grpc-timeout": `${Math.min(Math.ceil(context.timeout), 99_999_999)}m`,
        }),
        settings.service,
        settle,
      );
    });
  });
}

function ask(stream: ClientHttp2Stream, service: string, settle: (result: ProbeResult) => void): void {
  const parts: Buffer[] = [];
  let length = 0;
  let status: string | undefined;
  let message = "";
  const takeStatus = (headers: Readonly<Record<string, unknown>>): void => {
    if (headers["grpc-status"] !== undefined) status = String(headers["grpc-status"]);
    if (headers["grpc-message"] !== undefined) message = decode(String(headers["grpc-message"]));
  };
  stream.on("response", (headers) => {
    takeStatus(headers);
    if (headers[":status"] !== 200) settle(unhealthy(`HTTP status ${headers[":status"]}, expected a gRPC answer`));
    else if (!/^application\/grpc(?:$|[+;])/.test(headers["content-type"] ?? ""))
      settle(unhealthy("not a gRPC answer"));
  });
  stream.on("trailers", takeStatus);
  stream.on("data", (chunk: Buffer) => {
    length += chunk.length;
    if (length > MAX_ANSWER) settle(unhealthy(`answered with more than ${MAX_ANSWER} bytes`));
    else parts.push(chunk);
  });
  stream.on("error", (error: NodeJS.ErrnoException) => settle(unhealthy(`the call failed: ${errorText(error)}`)));
  stream.on("close", () => {
    const { rstCode } = stream;
    if (rstCode !== constants.NGHTTP2_NO_ERROR) return settle(unhealthy(`the server ended the call (code ${rstCode})`));
    settle(judge(status, message, Buffer.concat(parts)));
  });
  stream.end(encodeHealthRequest(service));
}

function judge(status: string | undefined, message: string, body: Buffer): ProbeResult {
  if (status === undefined) return unhealthy("an answer without grpc-status");
  if (status !== "0") {
    const text = STATUS[status] ?? `gRPC status ${status}`;
    return unhealthy(message === "" ? text : `${text}: ${message}`);
  }
  const answer = decodeHealthResponse(body);
  if (typeof answer === "string") return unhealthy(`not a gRPC answer: ${answer}`);
  const details = { status: answer.status };
  return answer.status === "SERVING" ? healthy(details) : unhealthy(`status ${answer.status}`, details);
}

/** grpc-message is percent-encoded. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function withCertificate(answer: ProbeResult, certificate: CertificateJudgement | undefined): ProbeResult {
  if (certificate === undefined) return answer;
  const details = { ...answer.details, ...certificate.details };
  const worse = answer.outcome === "healthy" ? certificate.result : undefined;
  return { ...answer, ...worse, details };
}
