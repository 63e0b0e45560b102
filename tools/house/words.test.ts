import { expect, test } from 'vitest'
import { unusedWordIn, unusedWords, wordsOf } from './words.ts'

test('names are split into words at capitals, dashes, digits and underscores', () => {
  expect(wordsOf('MAX_PEERS')).toEqual(['max', 'peers'])
  expect(wordsOf('HTTPServerOf2')).toEqual(['http', 'server', 'of'])
  expect(wordsOf('cells/peer-table.ts')).toEqual(['cells', 'peer', 'table', 'ts'])
})

test('a word is found as a whole, words that belong together in their order', () => {
  const unused = [['ear'], ['roll', 'call']]
  expect(unusedWordIn('nearEar', unused)).toBe('ear')
  expect(unusedWordIn('rollCallOf', unused)).toBe('roll call')
  expect(unusedWordIn('callRollEarly', unused)).toBeUndefined()
})

test('the glossary names unused words in the column of its own', () => {
  const table =
    '| word | meaning | not used here |\n|---|---|---|\n| bus | x | ears, ear |\n| state sync | y | roll call |\n| peer | z | |\n'
  expect(unusedWords(table)).toEqual([['ears'], ['ear'], ['roll', 'call']])
})

test('a glossary without that column is an error', () => {
  expect(() => unusedWords('| word | meaning |\n')).toThrow("no table with a column 'not used here'")
})
