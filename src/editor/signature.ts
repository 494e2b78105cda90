/** The signature of the call whose arguments are being written. */
import { MarkupKind, type SignatureHelp } from 'vscode-languageserver';
import { CALLS } from '../litmus/calls.ts';
import { callNotes } from './documentation.ts';
import { type Source, tokenFor } from './source.ts';

/** The forms of the innermost call around an offset, the form that has room for the argument first chosen. */
export const signatureAt = (source: Source, offset: number): SignatureHelp | null => {
  const place = source.places[tokenFor(source, offset)];
  const call = place?.call ?? null;
  const spec = call === null ? undefined : CALLS.get(call.name);
  if (call === null || spec === undefined || place?.section === 'condition') return null;
  return {
    signatures: spec.forms.map((form) => ({
      label: form.signature,
      documentation: { kind: MarkupKind.Markdown, value: callNotes(spec) },
      parameters: parameterSpans(form.signature).map((label) => ({ label })),
    })),
    activeSignature: Math.max(
      0,
      spec.forms.findIndex((f) => f.params.length > call.argument),
    ),
    activeParameter: call.argument,
  };
};

/** Where the parameters stand in a signature. */
const parameterSpans = (signature: string): [number, number][] => {
  const open = signature.indexOf('(') + 1;
  const inside = signature.slice(open, -1);
  if (inside === '') return [];
  let at = open;
  return inside.split(',').map((part) => {
    const start = at + part.length - part.trimStart().length;
    at += part.length + 1;
    return [start, at - 1];
  });
};
