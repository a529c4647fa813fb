import { makeStyles, Spinner, tokens } from "@fluentui/react-components";
import type { editor as MonacoEditor } from "monaco-editor/esm/vs/editor/editor.api";
import { type RefObject, useEffect, useImperativeHandle, useRef, useState } from "react";
import type { Diagnostic, HuntingSchema } from "../../api/hunting";
import { ErrorState } from "../../parts/states";
import { useTheme } from "../../parts/theme";
import { blockAt, type TextBlock } from "./blocks";
import { inputParameters } from "./functionParameters";
import { type Kusto, loadEditor, type Monaco, serverMarkers } from "./monaco";

const useStyles = makeStyles({
  frame: { position: "relative", height: "100%", minHeight: 0, overflow: "hidden" },
  host: { position: "absolute", inset: 0 },
  wait: { position: "absolute", inset: 0, display: "grid", placeItems: "center" },
  current: { backgroundColor: tokens.colorSubtleBackgroundHover },
});

export interface EditorHandle {
  /** What Run would run: the selection, or the query under the cursor. */
  current(): TextBlock | undefined;
  insert(text: string): void;
  /** Appends a step to the query under the cursor. */
  appendStep(step: string): void;
  focus(): void;
  /** Puts away what hangs over the editor: suggestions and hovers. */
  settle(): void;
  reveal(offset: number): void;
}

interface Props {
  value: string;
  schema?: HuntingSchema;
  /** The server's findings on the block that starts at `base`. */
  diagnostics: { base: number; list: Diagnostic[] };
  onChange(value: string): void;
  onRun(): void;
  onSave(): void;
  onCursor?(offset: number): void;
  handle: RefObject<EditorHandle | null>;
}

/** The query editor: Kusto's own language service for words and hovers, the server's word on what is wrong. */
export default function KqlEditor({ value, schema, diagnostics, onChange, onRun, onSave, onCursor, handle }: Props) {
  const styles = useStyles();
  const { dark } = useTheme();
  const host = useRef<HTMLDivElement>(null);
  const editor = useRef<MonacoEditor.IStandaloneCodeEditor>(undefined);
  const [loaded, setLoaded] = useState<{ monaco: Monaco; kusto: Kusto }>();
  const [error, setError] = useState<unknown>();
  const [attempt, setAttempt] = useState(0);
  const latest = useRef({ onChange, onRun, onSave, onCursor });
  latest.current = { onChange, onRun, onSave, onCursor };
  const first = useRef(value);

  // biome-ignore lint/correctness/useExhaustiveDependencies: attempt is the retry button
  useEffect(() => {
    let live = true;
    loadEditor().then(
      (modules) => live && setLoaded(modules),
      (cause) => live && setError(cause),
    );
    return () => {
      live = false;
    };
  }, [attempt]);

  useEffect(() => {
    if (!loaded || !host.current) return;
    const { monaco } = loaded;
    const made = monaco.editor.create(host.current, {
      model: monaco.editor.createModel(first.current, "kusto"),
      automaticLayout: true,
      minimap: { enabled: false },
      scrollBeyondLastLine: false,
      fontSize: 13,
      lineNumbersMinChars: 3,
      padding: { top: 8, bottom: 8 },
      fixedOverflowWidgets: true,
      ariaLabel: "Query. Press Shift+Enter to run, Ctrl+M to let Tab move the focus.",
      accessibilitySupport: "auto",
      renderLineHighlight: "none",
      wordWrap: "on",
      contextmenu: true,
      suggest: { showWords: false },
    });
    editor.current = made;
    made.addAction({
      id: "tocsin.run",
      label: "Run query",
      keybindings: [monaco.KeyMod.Shift | monaco.KeyCode.Enter, monaco.KeyMod.CtrlCmd | monaco.KeyCode.Enter],
      contextMenuGroupId: "navigation",
      run: () => latest.current.onRun(),
    });
    made.addAction({
      id: "tocsin.save",
      label: "Save query",
      keybindings: [monaco.KeyMod.CtrlCmd | monaco.KeyCode.KeyS],
      run: () => latest.current.onSave(),
    });
    const marks = made.createDecorationsCollection();
    const mark = () => {
      const model = made.getModel();
      const position = made.getPosition();
      if (!model || !position) return;
      const offset = model.getOffsetAt(position);
      latest.current.onCursor?.(offset);
      const block = blockAt(model.getValue(), offset);
      marks.set(
        block
          ? [
              {
                range: monaco.Range.fromPositions(model.getPositionAt(block.start), model.getPositionAt(block.end)),
                options: { isWholeLine: true, linesDecorationsClassName: "tocsin-current-query" },
              },
            ]
          : [],
      );
    };
    const subscriptions = [
      made.onDidChangeModelContent(() => {
        latest.current.onChange(made.getValue());
        mark();
      }),
      made.onDidChangeCursorPosition(mark),
    ];
    mark();
    return () => {
      for (const subscription of subscriptions) subscription.dispose();
      made.getModel()?.dispose();
      made.dispose();
      editor.current = undefined;
    };
  }, [loaded]);

  // Text that comes from outside (a saved query, a filter from the results) replaces the editor's as one edit that
  // Ctrl+Z takes back.
  useEffect(() => {
    const made = editor.current;
    const model = made?.getModel();
    if (!made || !model || model.getValue() === value) return;
    made.pushUndoStop();
    made.executeEdits("tocsin", [{ range: model.getFullModelRange(), text: value }]);
    made.pushUndoStop();
  }, [value]);

  useEffect(() => {
    loaded?.monaco.editor.setTheme(dark ? loaded.kusto.themeNames.dark : loaded.kusto.themeNames.light);
  }, [loaded, dark]);

  useEffect(() => {
    if (!loaded || !schema) return;
    const model = editor.current?.getModel();
    if (!model) return;
    const database = {
      name: "tocsin",
      majorVersion: 1,
      minorVersion: 0,
      entityGroups: [],
      tables: schema.tables.map((table) => ({
        name: table.name,
        docstring: table.description,
        columns: table.columns.map(({ name, type, description }) => ({ name, type, docstring: description })),
      })),
      functions: schema.functions.map(({ name, parameters, description, text }) => ({
        name,
        docstring: description,
        body: `{ ${text ?? ""} }`,
        inputParameters: inputParameters(parameters),
      })),
    };
    // This also colors what stands there already.
    void loaded.kusto.getKustoWorker().then(async (worker) => {
      if (model.isDisposed()) return;
      await (await worker(model.uri)).setSchema({
        clusterType: "Engine",
        cluster: { connectionString: "tocsin", databases: [database] },
        database,
      });
    });
  }, [loaded, schema]);

  useEffect(() => {
    const model = editor.current?.getModel();
    if (!loaded || !model) return;
    const { monaco } = loaded;
    monaco.editor.setModelMarkers(
      model,
      serverMarkers,
      diagnostics.list.map((item) => {
        const from = model.getPositionAt(diagnostics.base + item.start);
        const to = model.getPositionAt(diagnostics.base + Math.max(item.end, item.start + 1));
        return {
          severity: item.severity === "warning" ? monaco.MarkerSeverity.Warning : monaco.MarkerSeverity.Error,
          message: item.message,
          code: item.code,
          startLineNumber: from.lineNumber,
          startColumn: from.column,
          endLineNumber: to.lineNumber,
          endColumn: to.column,
        };
      }),
    );
  }, [loaded, diagnostics]);

  useImperativeHandle(handle, () => ({
    current() {
      const made = editor.current;
      const model = made?.getModel();
      const selection = made?.getSelection();
      if (!made || !model || !selection) return undefined;
      if (!selection.isEmpty()) {
        const start = model.getOffsetAt(selection.getStartPosition());
        return { start, end: model.getOffsetAt(selection.getEndPosition()), text: model.getValueInRange(selection) };
      }
      return blockAt(model.getValue(), model.getOffsetAt(selection.getPosition()));
    },
    insert(text) {
      const made = editor.current;
      const selection = made?.getSelection();
      if (!made || !selection) return;
      made.executeEdits("tocsin", [{ range: selection, text, forceMoveMarkers: true }]);
      made.focus();
    },
    appendStep(step) {
      const made = editor.current;
      const model = made?.getModel();
      const position = made?.getPosition();
      if (!made || !model || !position) return;
      const block = blockAt(model.getValue(), model.getOffsetAt(position));
      if (!block) return;
      const at = model.getPositionAt(block.start + block.text.trimEnd().length);
      made.pushUndoStop();
      made.executeEdits("tocsin", [
        {
          range: {
            startLineNumber: at.lineNumber,
            startColumn: at.column,
            endLineNumber: at.lineNumber,
            endColumn: at.column,
          },
          text: `\n| ${step}`,
        },
      ]);
      made.pushUndoStop();
    },
    focus: () => editor.current?.focus(),
    settle: () => editor.current?.trigger("tocsin", "hideSuggestWidget", {}),
    reveal(offset) {
      const made = editor.current;
      const model = made?.getModel();
      if (!made || !model) return;
      made.setPosition(model.getPositionAt(offset));
      made.revealPositionInCenterIfOutsideViewport(model.getPositionAt(offset));
      made.focus();
    },
  }));

  return (
    <div className={styles.frame}>
      <div ref={host} className={styles.host} />
      {!loaded && !error && (
        <div className={styles.wait}>
          <Spinner size="small" label="Loading the editor" delay={200} />
        </div>
      )}
      {error !== undefined && (
        <ErrorState
          error={error}
          retry={() => {
            setError(undefined);
            setAttempt(attempt + 1);
          }}
        />
      )}
    </div>
  );
}
