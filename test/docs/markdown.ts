/** A fenced block of code: its language and its text. */
export interface CodeBlock {
  readonly language: string;
  readonly text: string;
}

/** Fenced code blocks of a Markdown text, in order. */
export function codeBlocks(markdown: string): CodeBlock[] {
  const blocks = markdown.matchAll(/^```(\w*)\n(.*?)^```$/gms);
  return Array.from(blocks, ([, language = "", text = ""]) => ({ language, text }));
}

/** The text without fenced and inline code, where nothing is a link. */
export function withoutCode(markdown: string): string {
  return markdown.replaceAll(/^```.*?^```$/gms, "").replaceAll(/`[^`\n]*`/g, "");
}

/** Targets of links and pictures, in Markdown and in the HTML that GitHub allows. */
export function linkTargets(markdown: string): string[] {
  const text = withoutCode(markdown);
  return [
    ...Array.from(text.matchAll(/\]\(\s*<?([^)\s>]+)>?[^)]*\)/g), ([, target = ""]) => target),
    ...Array.from(text.matchAll(/^\[[^\]]+\]:\s*(\S+)/gm), ([, target = ""]) => target),
    ...Array.from(text.matchAll(/\b(?:href|src|srcset)="([^"]+)"/g), ([, target = ""]) => target),
  ];
}

/** Anchors that GitHub makes of the headings: lower case, spaces to hyphens, punctuation dropped, repeats numbered. */
export function anchors(markdown: string): Set<string> {
  const found = new Set<string>();
  for (const [, heading = ""] of markdown.replaceAll(/^```.*?^```$/gms, "").matchAll(/^#{1,6}\s+(.+?)\s*#*$/gm)) {
    const plain = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1").toLowerCase();
    const slug = plain.replaceAll(/[^\p{L}\p{N}\s_-]/gu, "").replaceAll(/\s/g, "-");
    let unique = slug;
    for (let repeat = 1; found.has(unique); repeat++) unique = `${slug}-${repeat}`;
    found.add(unique);
  }
  return found;
}

/** Cells of the body rows of the table below a heading; inline code marks are taken off. */
export function tableBelow(markdown: string, heading: string): string[][] {
  const [, section = ""] = markdown.split(new RegExp(`^#+ ${heading}$`, "m"));
  const lines = section.split(/^#/m, 1)[0].split("\n");
  const rows = lines.filter((line) => line.startsWith("|")).slice(2);
  return rows.map((row) => {
    const cells = row.split("|").slice(1, -1);
    return cells.map((cell) => cell.trim().replaceAll(/^`|`$/g, ""));
  });
}
