/** Everything that is wrong with a text, as an editor underlines it. */
import { type Diagnostic, DiagnosticSeverity } from 'vscode-languageserver';
import type { TextDocument } from 'vscode-languageserver-textdocument';
import { rangeOf } from './range.ts';
import type { Source } from './source.ts';

/** Errors and warnings with their codes (`L042`); the advice is the message's last line. */
export const diagnosticsOf = (source: Source, document: TextDocument): Diagnostic[] =>
  source.diagnostics.map((d) => ({
    range: rangeOf(document, d.span),
    severity: d.severity === 'error' ? DiagnosticSeverity.Error : DiagnosticSeverity.Warning,
    code: d.code,
    source: 'pinfold',
    message: `${d.message}\nhint: ${d.hint}`,
  }));
