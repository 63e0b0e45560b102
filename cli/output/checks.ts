import { styleText } from 'node:util'
import { type Colour, type TableStyle, wrapped } from './table.ts'

/** How a check ended; `skipped` = it could not be made, or there is nothing to check. */
export type CheckState = 'ok' | 'warning' | 'failed' | 'skipped'

/** One check of a doctor. With `-o json` this is an element of `checks`; fields may be added, and none changes its meaning. */
export interface Check {
  /** Scripts may match on it. */
  name: string
  /** The object it is about, such as `Realm metaverse/main`; absent = the cluster or the installation. */
  of?: string
  state: CheckState
  /** What was seen; of a skipped check, why nothing was. */
  seen: string
  /** A command, or a field with a value for it. */
  fix?: string
}

const COLOURS: Readonly<Record<CheckState, Colour>> = { ok: 'green', warning: 'yellow', failed: 'red', skipped: 'dim' }
const STATE_WIDTH = 9

/** Checks one below another: the state, what was seen, and what to do about it, broken into lines of the width. */
export function checksText(checks: readonly Check[], { width, colours = false }: TableStyle = {}): string {
  const room = width && width - STATE_WIDTH
  return checks
    .map(({ name, of, state, seen, fix }) => {
      const text = `${name}${of ? `, ${of}` : ''}: ${seen}`
      const [first = '', ...rest] = [...wrapped(text, room), ...(fix === undefined ? [] : wrapped(`fix: ${fix}`, room))]
      const word = state.padEnd(STATE_WIDTH)
      const shown = colours ? styleText(COLOURS[state], word, { validateStream: false }) : word
      return [`${shown}${first}`, ...rest.map((line) => `${' '.repeat(STATE_WIDTH)}${line}`)].join('\n')
    })
    .map((block) => `${block}\n`)
    .join('')
}
