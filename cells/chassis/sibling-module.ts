/** The URL of a module beside `from`, whether we run from TypeScript sources or from compiled JavaScript. */
export const siblingModule = (from: string, name: string): URL =>
  new URL(`./${name}${from.endsWith('.ts') ? '.ts' : '.js'}`, from)
