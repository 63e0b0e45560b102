import { isForTests, sourceFiles, textOf } from './sources.ts'
import { tokensOf } from './tokens.ts'

/** The words of the glossary's last column, each as the words it consists of: "roll call" is two. */
export function unusedWords(glossary: string): string[][] {
  const rows = glossary.split('\n').filter((line) => line.startsWith('|'))
  const cells = rows.map((row) =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  )
  const column = cells[0]?.indexOf('not used here') ?? -1
  if (column < 0) throw new Error("docs/glossary.md has no table with a column 'not used here'")
  return cells.slice(2).flatMap((row) =>
    (row[column] ?? '')
      .split(',')
      .map((word) => wordsOf(word))
      .filter((words) => words.length > 0),
  )
}

/** The words of an identifier or a path, in lower case: `MAX_PEERS`, `peerTable` and `peer-table.ts` consist of words. */
export const wordsOf = (name: string): string[] =>
  (name.match(/[A-Z]+(?![a-z])|[A-Z]?[a-z]+/g) ?? []).map((word) => word.toLowerCase())

/** The first of the unused words that a name contains. */
export function unusedWordIn(name: string, unused: readonly (readonly string[])[]): string | undefined {
  const words = ` ${wordsOf(name).join(' ')} `
  return unused.map((each) => each.join(' ')).find((each) => words.includes(` ${each} `))
}

/** Identifiers and file names that contain a word which the glossary does not use. */
export function unusedWordsInNames(): string[] {
  const unused = unusedWords(textOf('docs/glossary.md'))
  return sourceFiles().flatMap((file) => {
    const identifiers = tokensOf(textOf(file)).filter(({ kind }) => kind === 'identifier')
    const firstLineOf = new Map(identifiers.toReversed().map(({ text, line }) => [text, line]))
    const names = [...firstLineOf].toReversed().map(([name, line]) => ({ name, where: `${file}:${line}` }))
    return [{ name: file, where: file }, ...names].flatMap(({ name, where }) => {
      const word = unusedWordIn(name, unused)
      return word === undefined ? [] : [`${where}: ${name === file ? 'its name' : name} has "${word}"`]
    })
  })
}

const IMPERSONAL = /\b(?:nobody|somebody|whoever|everybody|anybody)\b/i

/** Comments and strings of the product that do not say which part acts. */
export const impersonalSentences = (): string[] =>
  sourceFiles()
    .filter((file) => !isForTests(file))
    .flatMap((file) =>
      tokensOf(textOf(file)).flatMap(({ kind, text, line }) => {
        const pronoun = kind === 'identifier' ? undefined : IMPERSONAL.exec(text)
        if (!pronoun) return []
        const at = line + text.slice(0, pronoun.index).split('\n').length - 1
        return [`${file}:${at}: ${pronoun[0]}`]
      }),
    )
