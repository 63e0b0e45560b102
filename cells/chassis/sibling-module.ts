/** The URL of a module beside `from`, from TypeScript sources as well as from compiled JavaScript. */
export const siblingModule = (from: string, name: string): URL =>
  new URL(`./${name}${from.endsWith('.ts') ? '.ts' : '.js'}`, from)
