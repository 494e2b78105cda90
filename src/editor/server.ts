/** The language server: the features of this folder behind the protocol, over a pair of streams. */
import {
  CodeActionKind,
  type Connection,
  createConnection,
  type InitializeResult,
  LSPErrorCodes,
  PositionEncodingKind,
  ResponseError,
  type TextDocumentPositionParams,
  TextDocumentSyncKind,
  TextDocuments,
} from 'vscode-languageserver/node';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { format } from '../litmus/format.ts';
import { completionsAt } from './completion.ts';
import { diagnosticsOf } from './diagnostics.ts';
import { fixesFor } from './fixes.ts';
import { hoverAt } from './hover.ts';
import { definitionAt, highlightsAt, referencesAt, renameAt, renameRange } from './navigate.ts';
import { outlineOf } from './outline.ts';
import { wholeRange } from './range.ts';
import { signatureAt } from './signature.ts';
import { readSource, type Source } from './source.ts';

const result = (version: string): InitializeResult => ({
  serverInfo: { name: 'pinfold', version },
  capabilities: {
    positionEncoding: PositionEncodingKind.UTF16,
    textDocumentSync: TextDocumentSyncKind.Incremental,
    completionProvider: { triggerCharacters: ['(', ',', '|', ':', '='] },
    signatureHelpProvider: { triggerCharacters: ['(', ','] },
    hoverProvider: true,
    definitionProvider: true,
    referencesProvider: true,
    documentHighlightProvider: true,
    documentSymbolProvider: true,
    documentFormattingProvider: true,
    codeActionProvider: { codeActionKinds: [CodeActionKind.QuickFix] },
    renameProvider: { prepareProvider: true },
  },
});

/** Texts that are open, each read once for each of its versions. */
class Workspace {
  readonly documents = new TextDocuments(TextDocument);
  readonly #sources = new Map<string, { version: number; source: Source }>();

  /** The document and what is known of it, or null if it is not open. */
  get(uri: string): { document: TextDocument; source: Source } | null {
    const document = this.documents.get(uri);
    if (document === undefined) return null;
    const known = this.#sources.get(uri);
    if (known?.version === document.version) return { document, source: known.source };
    const source = readSource(document.getText(), uri);
    this.#sources.set(uri, { version: document.version, source });
    return { document, source };
  }

  close(uri: string): void {
    this.#sources.delete(uri);
  }
}

const answer = (connection: Connection, workspace: Workspace, snippets: () => boolean): void => {
  /** Runs a feature at the position of a request; null where the document is not open. */
  const at = <T>(
    { textDocument, position }: TextDocumentPositionParams,
    feature: (source: Source, document: TextDocument, offset: number) => T,
  ): T | null => {
    const open = workspace.get(textDocument.uri);
    return open === null
      ? null
      : feature(open.source, open.document, open.document.offsetAt(position));
  };
  connection.onCompletion((p) =>
    at(p, (source, _, offset) => completionsAt(source, offset, snippets())),
  );
  connection.onSignatureHelp((p) => at(p, (source, _, offset) => signatureAt(source, offset)));
  connection.onHover((p) => at(p, hoverAt));
  connection.onDefinition((p) => at(p, definitionAt));
  connection.onReferences((p) =>
    at(p, (s, d, offset) => referencesAt(s, d, offset, p.context.includeDeclaration)),
  );
  connection.onDocumentHighlight((p) => at(p, highlightsAt));
  connection.onPrepareRename((p) => at(p, renameRange));
  connection.onRenameRequest((p) =>
    at(p, (source, document, offset) => {
      const renamed = renameAt(source, document, offset, p.newName);
      return renamed.ok
        ? { changes: { [document.uri]: renamed.edits } }
        : new ResponseError<void>(LSPErrorCodes.RequestFailed, renamed.message);
    }),
  );
  connection.onDocumentSymbol(({ textDocument }) => {
    const open = workspace.get(textDocument.uri);
    return open === null ? null : outlineOf(open.source, open.document);
  });
  connection.onDocumentFormatting(({ textDocument }) => {
    const open = workspace.get(textDocument.uri);
    if (open === null) return null;
    const text = open.document.getText();
    const formatted = format(text, textDocument.uri);
    if (!formatted.ok) return null;
    if (formatted.text === text) return [];
    return [{ range: wholeRange(open.document), newText: formatted.text }];
  });
  connection.onCodeAction(({ textDocument, range }) => {
    const open = workspace.get(textDocument.uri);
    return open === null ? null : fixesFor(open.source, open.document, range);
  });
};

/**
 * Serves one client until it says `exit` or its stream ends; the process ends with it.
 * @param version of this program, for the client's log
 */
export const serve = (
  input: NodeJS.ReadableStream,
  output: NodeJS.WritableStream,
  version: string,
): void => {
  const connection = createConnection(input, output);
  const workspace = new Workspace();
  let snippets = false;
  connection.onInitialize(({ capabilities }) => {
    snippets = capabilities.textDocument?.completion?.completionItem?.snippetSupport === true;
    return result(version);
  });
  workspace.documents.onDidChangeContent(({ document }) => {
    const open = workspace.get(document.uri);
    if (open === null) return;
    void connection.sendDiagnostics({
      uri: document.uri,
      version: document.version,
      diagnostics: diagnosticsOf(open.source, document),
    });
  });
  workspace.documents.onDidClose(({ document }) => {
    workspace.close(document.uri);
    void connection.sendDiagnostics({ uri: document.uri, diagnostics: [] });
  });
  answer(connection, workspace, () => snippets);
  workspace.documents.listen(connection);
  connection.listen();
};
