/**
 * A text as the value of a `grpc-message` field: UTF-8, everything but printable ASCII and the percent sign itself
 * percent-encoded ("Percent-Encoded" in gRPC over HTTP/2).
 */
export function encodeGrpcMessage(text: string): string {
  let encoded = "";
  for (const character of text.toWellFormed()) {
    if (character >= " " && character <= "~" && character !== "%") encoded += character;
    // encodeURIComponent leaves no character beyond ASCII as it is, and none of the control characters.
    else encoded += encodeURIComponent(character);
  }
  return encoded;
}
