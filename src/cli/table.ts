/** Lines of a table: columns as wide as their widest cell, numbers to the right. */
export function tableLines(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string[] {
  const cells = [head, ...rows.map((row) => row.map(String))];
  const widths = head.map((_, column) => Math.max(...cells.map((row) => row[column]!.length)));
  const numeric = head.map((_, column) => rows.length > 0 && rows.every((row) => isNumber(row[column])));
  return cells.map((row) =>
    row
      .map((cell, column) => (numeric[column] ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!)))
      .join("  ")
      .trimEnd(),
  );
}

/** Numbers, those that were rounded to text, and the dash that stands for none. */
function isNumber(cell: string | number | undefined): boolean {
  return typeof cell === "number" || cell === "-" || (cell !== undefined && /^\d+(\.\d+)?$/.test(cell));
}
