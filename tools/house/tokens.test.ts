// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the sources that are taken apart here hold templates

import { expect, test } from 'vitest'
import { tokensOf } from './tokens.ts'

const textsOf = (kind: string, text: string): string[] =>
  tokensOf(text)
    .filter((token) => token.kind === kind)
    .map((token) => token.text)

test('identifiers are those of the code, private ones and those within templates among them', () => {
  expect(textsOf('identifier', "// no\nfoo.#bar({ key: 'no' }, `no ${inside({ deep: `${deeper}` })} no`)")).toEqual([
    'foo',
    '#bar',
    'key',
    'inside',
    'deep',
    'deeper',
  ])
})

test('a brace within a template ends the innermost substitution', () => {
  expect(textsOf('string', 'const a = { b: `x${{ c: 1 }.c}y${d}z` }; "e"')).toEqual(['`x${', '}y${', '}z`', '"e"'])
})

test('a quotation mark in a regular expression begins no string, and a division begins no regular expression', () => {
  expect(textsOf('identifier', 'if (/[\'"`]/.test(a)) b = c / d; e = f / g')).toEqual([
    'if',
    'test',
    'a',
    'b',
    'c',
    'd',
    'e',
    'f',
    'g',
  ])
})

test('comments come with the line they begin on', () => {
  expect(tokensOf('a\n/* b\n c */\n// d').filter(({ kind }) => kind === 'comment')).toEqual([
    { kind: 'comment', text: '/* b\n c */', line: 2 },
    { kind: 'comment', text: '// d', line: 4 },
  ])
})
