import { call } from "./client";

export interface HuntingColumn {
  name: string;
  type: string;
  description?: string;
}
export interface HuntingTable {
  name: string;
  group: string;
  description: string;
  time: string;
  columns: HuntingColumn[];
  actionTypes?: string[];
}
export interface HuntingFunction {
  name: string;
  parameters: string;
  description: string;
  kind: "builtin" | "shared" | "mine";
  text?: string;
}
export interface HuntingSchema {
  tables: HuntingTable[];
  functions: HuntingFunction[];
}
export interface Diagnostic {
  start: number;
  end: number;
  line: number;
  column: number;
  message: string;
  code?: string;
  severity: "error" | "warning";
}

export const loadSchema = (signal?: AbortSignal) => call<HuntingSchema>("GET", "/api/v1/hunting/schema", { signal });
