/** Litmus tests for CodeMirror: `LRLanguage.define({ parser })`. */
export { highlighting } from './highlight.ts';
export { parser } from './parser.ts';
