// The editor and the language service, loaded when the hunting page is first opened: together they are larger than
// the rest of the portal.

// The editor makes style elements of its own, without the nonce that the page's policy asks for. They get it here,
// before the editor's modules run.
const nonce = document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce;
if (nonce) {
  const create = document.createElement.bind(document);
  document.createElement = ((name: string, options?: ElementCreationOptions) => {
    const element = create(name, options);
    if (name === "style") (element as HTMLStyleElement).nonce = nonce;
    return element;
  }) as typeof document.createElement;
}

self.MonacoEnvironment = {
  getWorker: (_id: string, label: string) =>
    label === "kusto"
      ? new Worker(new URL("./kusto.worker.ts", import.meta.url), { type: "module" })
      : new Worker(new URL("monaco-editor/esm/vs/editor/editor.worker.js", import.meta.url), { type: "module" }),
};

export type Monaco = typeof import("monaco-editor/esm/vs/editor/editor.api");
export type Kusto = typeof import("@kusto/monaco-kusto");

/** Who the markers belong to that say what the server found. */
export const serverMarkers = "tocsin";

let loading: Promise<{ monaco: Monaco; kusto: Kusto }> | undefined;

/** Loads the editor once; a failed load may be tried again. */
export function loadEditor() {
  // The contributions register services, which must be there when the first editor service is asked for.
  loading ??= import("./contributions")
    .then(() => Promise.all([import("monaco-editor/esm/vs/editor/editor.api"), import("@kusto/monaco-kusto")]))
    .then(([monaco, kusto]) => {
      // Once and not for each tab: the language service starts anew whenever they change.
      kusto.kustoDefaults.setLanguageSettings({
        ...kusto.kustoDefaults.languageSettings,
        includeControlCommands: false,
        enableQueryWarnings: false,
        enableQuerySuggestions: false,
        syntaxErrorAsMarkDown: { enableSyntaxErrorAsMarkDown: false },
      });
      // What the server would refuse is underlined, and nothing twice: the service's own findings are left out. Before it
      // hands them over it takes every underline away, so the server's are drawn again.
      const { getModelMarkers, setModelMarkers } = monaco.editor;
      Object.assign(monaco.editor, {
        setModelMarkers: ((model, owner, markers) =>
          owner === "kusto"
            ? setModelMarkers(model, serverMarkers, getModelMarkers({ owner: serverMarkers, resource: model.uri }))
            : setModelMarkers(model, owner, markers)) as typeof setModelMarkers,
      });
      return { monaco, kusto };
    })
    .catch((error: unknown) => {
      loading = undefined;
      throw error;
    });
  return loading;
}
