/** Pieces of C that an emitted program is put together from: only what a test uses goes in. */

/** C as it stands, backslashes and all. */
export const c = String.raw;

export interface Snippet {
  readonly name: string;
  /** Names of snippets that must stand before this one. */
  readonly needs: readonly string[];
  readonly headers: readonly string[];
  readonly code: string;
}

/** `needs` and `headers` are words in one string. */
export const snippet = (name: string, needs: string, headers: string, code: string): Snippet => ({
  name,
  needs: words(needs),
  headers: words(headers),
  code: code.replace(/^\n+|\s+$/g, ''),
});

const words = (text: string): string[] => text.split(/\s+/).filter((w) => w !== '');
