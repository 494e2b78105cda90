/** A module for a worker thread, by its path without extension from the module at `base`: TypeScript here, JavaScript in the package. */
export const moduleBeside = (path: string, base: string): URL =>
  new URL(`${path}${base.endsWith('.ts') ? '.ts' : '.js'}`, base);
