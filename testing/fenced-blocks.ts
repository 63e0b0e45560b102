/** A block of code in a page of Markdown. */
export interface FencedBlock {
  /** The first word behind the fence, such as `sh`; empty where there is none. */
  language: string
  /** The rest of that line. */
  info: string
  text: string
  /** Number of the line of the fence. */
  line: number
}

/** The blocks of code of a page, also those that are indented within a list, without their indentation. */
export const fencedBlocks = (page: string): FencedBlock[] =>
  [...page.matchAll(/^( *)```(\w*) ?([^\n`]*)\n([\s\S]*?)^\1```$/gm)].map(
    ({ index, 1: indent = '', 2: language = '', 3: info = '', 4: text = '' }) => ({
      language,
      info: info.trim(),
      text: text.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
      line: page.slice(0, index).split('\n').length,
    }),
  )

/** The commands of a block for a shell: one a line, joined where a line goes on, without comments. */
export const commandsIn = (block: string): string[] =>
  block
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
    .map((line) => line.replace(/(^|\s+)#.*$/, '').trim())
    .filter((line) => line !== '')

/** The words of a command up to its first pipe or redirection, without quotation marks. */
export function wordsOfCommand(command: string): string[] {
  const words: string[] = []
  for (const [token, single, double] of command.matchAll(/'([^']*)'|"([^"]*)"|[|<>&;]|(?:[^\s'"|<>&;]|=(?:"[^"]*"|'[^']*'))+/g)) {
    if (/^[|<>&;]$/.test(token)) break
    words.push(single ?? double ?? token.replaceAll(/["']/g, ''))
  }
  return words
}
