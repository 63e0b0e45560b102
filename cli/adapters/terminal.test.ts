import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import { createTerminal } from './terminal.ts'

/** What a terminal of so many columns, or a file, was sent. */
function anOutput(columns: number | undefined) {
  const stream = Object.assign(new PassThrough(), columns === undefined ? {} : { isTTY: true, columns })
  const terminal = createTerminal(stream as unknown as NodeJS.WriteStream, () => {})
  return { terminal, sent: () => String(stream.read() ?? '') }
}
const ERASE = '\r\u001b[2K'

test.each([
  [10, 'a long st…'.slice(0, 8).concat('…')],
  [0, 'a long status'],
])(
  'on a terminal of %d columns the status is below what is said, in one line, and is written when it changes',
  (columns, shown) => {
    const { terminal, sent } = anOutput(columns)
    terminal.status('a long status')
    expect(sent()).toBe(`${ERASE}${shown}`)
    terminal.status('a long status')
    expect(sent()).toBe('')
    terminal.say('hello')
    expect(sent()).toBe(`${ERASE}hello\n${shown}`)
    terminal.status('')
    terminal.say('Stopped.')
    expect(sent()).toBe(`${ERASE}${ERASE}Stopped.\n`)
  },
)

test('in a file the status is a line of its own when it changes, and none when it is taken away', () => {
  const { terminal, sent } = anOutput(undefined)
  terminal.status('one')
  terminal.status('one')
  terminal.say('hello')
  terminal.status('')
  expect(sent()).toBe('one\nhello\n')
})
