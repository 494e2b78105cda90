/** The litmus language: `parse` reads and checks a file, `print` writes one, `expectedAt` reads its `Result:` lines. */
export type * from './ast.ts';
export type { CallGroup } from './call-entry.ts';
export type { CallForm, CallSpec, Param, ParamType, ReturnType } from './calls.ts';
export { CALLS } from './calls.ts';
export type { Binding, CheckedTest, ResolvedCall, ThreadInfo, VariableInfo } from './checked.ts';
export { CONSTANTS, type Constant } from './constants.ts';
export { type Diagnostic, ERRORS, type ErrorCode } from './errors.ts';
export { type ParseResult, parse } from './parse.ts';
export { print } from './printer.ts';
export { QUERIES, type QuerySpec } from './queries.ts';
export { compareVersions, formatRange, matches } from './range.ts';
export { renderDiagnostics } from './render.ts';
export { expectedAt } from './result.ts';
