import writeExcel, { type SheetData } from "write-excel-file/browser";
import type { ResultTable } from "../../api/hunting";
import { cellText, numeric } from "./cells";

/** The longest text that Excel takes in one cell. */
const longestCell = 32_767;

self.onmessage = ({ data }: MessageEvent<Pick<ResultTable, "columns" | "rows"> & { shown: number[] }>) => {
  workbook(data).then(
    (blob) => self.postMessage(blob),
    (cause: unknown) => self.postMessage(`The workbook could not be written: ${cause}`),
  );
};

function workbook({ columns, rows, shown }: Pick<ResultTable, "columns" | "rows"> & { shown: number[] }) {
  const kinds = shown.map((index) => columns[index] ?? { name: "", type: "string" });
  const header = kinds.map(({ name }) => ({ value: name, fontWeight: "bold" as const }));
  const body = rows.map((row) =>
    shown.map((index, at) => {
      const value = row[index];
      if (value === null || value === undefined || value === "") return null;
      if (numeric(kinds[at]?.type ?? "") && typeof value === "number" && Number.isFinite(value))
        return { type: Number, value };
      if (typeof value === "boolean") return { type: Boolean, value };
      return { type: String, value: cellText(value).slice(0, longestCell) };
    }),
  );
  return writeExcel([header, ...body] as SheetData, {
    columns: kinds.map(({ type }) => ({ width: type === "datetime" ? 28 : 22 })),
  }).toBlob();
}
