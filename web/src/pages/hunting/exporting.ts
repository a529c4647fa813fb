import type { SheetData } from "write-excel-file/browser";
import type { HuntingColumn, ResultTable } from "../../api/hunting";
import { cellText, numeric } from "./cells";

/** A cell that a spreadsheet would run as a formula is shown as text instead. */
export function csvCell(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) && !/^-?\d+(\.\d+)?$/.test(text) ? `'${text}` : text;
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

export function csv(table: ResultTable, shown: number[]): string {
  const names = shown.map((index) => csvCell(table.columns[index]?.name ?? ""));
  const lines = table.rows.map((row) => shown.map((index) => csvCell(cellText(row[index]))).join(","));
  return `${[names.join(","), ...lines].join("\r\n")}\r\n`;
}

function download(blob: Blob, name: string) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

const stamp = () => new Date().toISOString().slice(0, 19).replaceAll(":", "-");

export function saveCsv(table: ResultTable, shown: number[]) {
  // The mark at the start is what makes Excel read it as UTF-8.
  download(new Blob(["\uFEFF", csv(table, shown)], { type: "text/csv;charset=utf-8" }), `hunt-${stamp()}.csv`);
}

/** The longest text that Excel takes in one cell. */
const longestCell = 32_767;

export async function saveExcel(table: ResultTable, shown: number[]) {
  const { default: writeExcel } = await import("write-excel-file/browser");
  const columns = shown.map((index) => table.columns[index] as HuntingColumn);
  const header = columns.map(({ name }) => ({ value: name, fontWeight: "bold" as const }));
  const body = table.rows.map((row) =>
    shown.map((index) => {
      const value = row[index];
      const type = table.columns[index]?.type ?? "string";
      if (value === null || value === undefined || value === "") return null;
      if (numeric(type) && typeof value === "number" && Number.isFinite(value)) return { type: Number, value };
      if (typeof value === "boolean") return { type: Boolean, value };
      return { type: String, value: cellText(value).slice(0, longestCell) };
    }),
  );
  const blob = await writeExcel([header, ...body] as SheetData, {
    columns: columns.map(({ type }) => ({ width: type === "datetime" ? 28 : 22 })),
  }).toBlob();
  download(blob, `hunt-${stamp()}.xlsx`);
}
