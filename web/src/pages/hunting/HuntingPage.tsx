import { useRef, useState } from "react";
import KqlEditor, { type EditorHandle } from "./KqlEditor";
export default function HuntingPage() {
  const [text, setText] = useState("DeviceProcessEvents\n| where FileName has 'powershell'\n| summarize count() by bin(Timestamp, 1h)\n");
  const handle = useRef<EditorHandle>(null);
  return (
    <div style={{ height: "60vh" }}>
      <KqlEditor value={text} onChange={setText} onRun={() => {}} onSave={() => {}} handle={handle} diagnostics={{ base: 0, list: [] }}
        schema={{ tables: [{ name: "DeviceProcessEvents", group: "", description: "Processes", time: "Timestamp", columns: [{ name: "FileName", type: "string" }, { name: "Timestamp", type: "datetime" }] }], functions: [] }} />
    </div>
  );
}
