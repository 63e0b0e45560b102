import { stripVTControlCharacters } from 'node:util'
import { expect, test } from 'vitest'
import { shortSpan, tableOf } from './table.ts'

const rows = [
  ['NAME', 'STATE', 'MESSAGE'],
  ['main', { text: 'Serving', colour: 'green' as const }, 'all is well'],
  ['garden', { text: 'Unhealthy', colour: 'red' as const }, 'the connector does not start: its image cannot be pulled'],
]

test.for([
  [
    undefined,
    `NAME    STATE      MESSAGE
main    Serving    all is well
garden  Unhealthy  the connector does not start: its image cannot be pulled
`,
  ],
  [
    40,
    `NAME    STATE      MESSAGE
main    Serving    all is well
garden  Unhealthy  the connector does n…
`,
  ],
  [
    10,
    `NAME    STATE      MESSAGE
main    Serving    all is well
garden  Unhealthy  the connect…
`,
  ],
] as const)('a table as wide as %s characters', ([width, text]) => {
  expect(tableOf(rows, { width })).toBe(text)
})

test('colours change neither the text nor its place, and are there only where they are asked for', () => {
  const coloured = tableOf(rows, { colours: true })
  expect(coloured).toContain('\u001b[32mServing')
  expect(stripVTControlCharacters(coloured)).toBe(tableOf(rows))
  expect(tableOf(rows)).not.toContain('\u001b')
})

test('where lines are too wide, the least important columns are left out, and only then texts are cut', () => {
  const leftOut = ['STATE']
  expect(tableOf(rows, { width: 21, leftOut }).split('\n')).toEqual([
    'NAME    MESSAGE',
    'main    all is well',
    'garden  the connecto…',
    '',
  ])
  expect(
    tableOf(
      [
        ['NAME', 'A'],
        ['a-realm-with-a-long-name', 'b'],
      ],
      { width: 20 },
    ),
  ).toBe('NAME               A\na-realm-with-a-l…  b\n')
})

test('what a tenant wrote cannot move the cursor or add a line', () => {
  expect(tableOf([['a', 'b\u001b[2J\nc']])).toBe('a  b [2J c\n')
})

test('a table without rows is empty, and rows may be of different lengths', () => {
  expect(tableOf([])).toBe('')
  expect(tableOf([['a', 'b', 'c'], ['longer']])).toBe('a       b  c\nlonger\n')
})

test.for([
  [0, '0s'],
  [59_999, '59s'],
  [60_000, '1m'],
  [3_661_000, '1h1m'],
  [3_601_000, '1h'],
  [90_000_000, '1d1h'],
  [-5, '0s'],
] as const)('%d ms are %s', ([ms, text]) => {
  expect(shortSpan(ms)).toBe(text)
})
