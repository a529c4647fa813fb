import type { ResultTable } from "../../api/hunting";
import { cellText } from "./cells";

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

/** Writes the workbook beside the page, which stays quick while a hundred thousand rows are packed. */
export async function saveExcel(table: ResultTable, shown: number[]) {
  const worker = new Worker(new URL("./excel.worker.ts", import.meta.url), { type: "module" });
  try {
    const blob = await new Promise<Blob>((resolve, reject) => {
      worker.onmessage = ({ data }: MessageEvent<Blob | string>) =>
        typeof data === "string" ? reject(new Error(data)) : resolve(data);
      worker.onerror = ({ message }) => reject(new Error(message || "The workbook could not be written."));
      worker.postMessage({ columns: table.columns, rows: table.rows, shown });
    });
    download(blob, `hunt-${stamp()}.xlsx`);
  } finally {
    worker.terminate();
  }
}
