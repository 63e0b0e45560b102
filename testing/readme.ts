import { readFileSync } from 'node:fs'

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')

/** Where the commands of a block of the README are to be typed: the word behind its ```sh. */
export type Setting = 'laptop' | 'cluster' | 'kubernetes' | 'tests'

/** The commands of the README's blocks, in order, without their comments. */
export const commandsOf = (setting: Setting): string[] =>
  blocks()
    .filter((block) => block.setting === setting)
    .flatMap(({ text }) => text.split('\n'))
    .map((line) => line.replace(/\s+#.*$/, '').trim())
    .filter((line) => line !== '')

/** The places of all blocks of commands, so that a test can check that each block is covered. */
export const settings = (): string[] => blocks().map(({ setting }) => setting)

const blocks = (): { setting: string; text: string }[] =>
  [...readme.matchAll(/^```(?:sh|bash|shell)(?: (\S+))?\n([\s\S]*?)^```/gm)].map(([, setting = '', text = '']) => ({
    setting,
    text,
  }))
