/** What a content type says about gRPC: nothing, gRPC itself, or gRPC-Web with binary or base64 bodies. */
export type GrpcKind = "none" | "grpc" | "web" | "web-text";

const PREFIX = "application/grpc";

/**
 * Which kind of gRPC a Content-Type stands for: `application/grpc`, `application/grpc-web` or
 * `application/grpc-web-text`, each with or without `+proto` or another format and with or without parameters
 * (gRPC over HTTP/2, "Requests"; gRPC-Web, "Protocol differences vs gRPC over HTTP2").
 */
export function grpcKind(contentType: string | undefined): GrpcKind {
  if (contentType === undefined || contentType.length < PREFIX.length) return "none";
  const type = contentType.toLowerCase();
  if (!type.startsWith(PREFIX)) return "none";
  if (endsAt(type, PREFIX.length)) return "grpc";
  if (type.startsWith("-web", PREFIX.length)) {
    if (endsAt(type, PREFIX.length + 4)) return "web";
    if (type.startsWith("-text", PREFIX.length + 4) && endsAt(type, PREFIX.length + 9)) return "web-text";
  }
  return "none";
}

/** Whether this is gRPC proper: what HTTP/2 carries to servers. */
export function isGrpc(contentType: string | undefined): boolean {
  return grpcKind(contentType) === "grpc";
}

/** The same content type for another kind, its format kept: `application/grpc-web+proto` → `application/grpc+proto`. */
export function withGrpcKind(contentType: string, kind: Exclude<GrpcKind, "none">): string {
  const rest = contentType.slice(PREFIX.length).replace(/^-web(-text)?/i, "");
  return PREFIX + (kind === "grpc" ? "" : `-${kind}`) + rest;
}

function endsAt(type: string, index: number): boolean {
  const next = type[index];
  return next === undefined || next === "+" || next === ";" || next === " ";
}
