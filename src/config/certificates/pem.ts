import { Buffer } from "node:buffer";

/** One block of a PEM text (RFC 7468). */
export interface PemBlock {
  /** As "CERTIFICATE" or "PRIVATE KEY". */
  readonly label: string;
  readonly der: Buffer;
  /** The block as it stands in the text, header lines of older formats included, with a line break at its end. */
  readonly text: string;
}

/** All complete blocks of a text, in its order; what stands around them is left out. */
export function pemBlocks(text: string): PemBlock[] {
  const blocks: PemBlock[] = [];
  for (const [block, label, body] of text.matchAll(/-----BEGIN ([A-Z0-9 ]+)-----([\s\S]*?)-----END \1-----/g)) {
    // Keys in the format of old OpenSSL have fields such as "Proc-Type: 4,ENCRYPTED" before an empty line.
    const base64 = body!.replace(/^\s*(?:[\w-]+:[^\n]*\n(?:[ \t][^\n]*\n)*)+/, "");
    blocks.push({ label: label!, der: Buffer.from(base64, "base64"), text: `${block.replaceAll("\r\n", "\n")}\n` });
  }
  return blocks;
}
