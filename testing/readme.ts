import { readFileSync } from 'node:fs'
import { commandsIn, type FencedBlock, fencedBlocks } from './fenced-blocks.ts'

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')

/** Where the commands of a block of the README are to be typed: the word behind its ```sh. */
export type Setting = 'laptop' | 'cluster' | 'kubernetes' | 'tests'

/** The commands of the README's blocks, in order, without their comments. */
export const commandsOf = (setting: Setting): string[] =>
  blocks()
    .filter(({ info }) => info === setting)
    .flatMap(({ text }) => commandsIn(text))

/** The places of all blocks of commands, so that a test can check that each block is covered. */
export const settings = (): string[] => blocks().map(({ info }) => info)

const blocks = (): FencedBlock[] => fencedBlocks(readme).filter(({ language }) => /^(?:sh|bash|shell)$/.test(language))
