import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { commandsIn, fencedBlocks, wordsOfCommand } from '../../testing/fenced-blocks.ts'
import { root } from '../house/sources.ts'
import { bookPathOf } from './pages.ts'

/** A page of the book as it is in the repository. */
export interface Page {
  file: string
  text: string
}

/** All pages of the book. */
export const bookPages = (): Page[] =>
  execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '--deduplicate', '*.md'], {
    cwd: root,
    encoding: 'utf8',
  })
    .trim()
    .split('\n')
    .filter((file) => bookPathOf(file) !== undefined && existsSync(join(root, file)))
    .map((file) => ({ file, text: readFileSync(join(root, file), 'utf8') }))

/** The pages that tell how things are now; the others are of the past, such as the changelog and the decisions. */
export const presentPages = (): Page[] =>
  bookPages().filter(({ file }) => file !== 'CHANGELOG.md' && !(file.startsWith('docs/adr/') && !file.endsWith('README.md')))

/** A command that a page tells people to type. */
export interface Typed {
  where: string
  /** As it stands there. */
  text: string
  words: string[]
}

/** The commands of all pages that tell how things are now. */
export const typedCommands = (): Typed[] =>
  presentPages().flatMap(({ file, text }) =>
    fencedBlocks(text)
      .filter(({ language }) => language === 'sh')
      .flatMap((block) => commandsIn(block.text).map((command) => ({ where: `${file}:${block.line}`, command })))
      .map(({ where, command }) => ({ where, text: command, words: wordsOfCommand(command) })),
  )
