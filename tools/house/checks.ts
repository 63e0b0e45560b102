import { namesExportedTwice } from './exports.ts'
import { impersonalSentences, unusedWordsInNames } from './words.ts'

/** A rule on names and sentences. */
export interface Check {
  title: string
  /** What to do about a finding. */
  advice: string
  findings(): string[]
}

export const checks: readonly Check[] = [
  {
    title: 'a name is exported by one file of the product only',
    advice: 'name each after what it is, or declare it once; exceptions stand with their reason in tools/house/exports.ts',
    findings: namesExportedTwice,
  },
  {
    title: 'no identifier and no file name has a word that the glossary does not use',
    advice: 'take the word in the first column of docs/glossary.md',
    findings: unusedWordsInNames,
  },
  {
    title: 'comments and strings of the product say which part acts',
    advice: 'name the operator, the connector, the client, the player… in place of the pronoun',
    findings: impersonalSentences,
  },
]
