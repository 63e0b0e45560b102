/** One step of the schema. A released step is never edited; a later step corrects it. */
export interface Migration {
  /** Counts up from 1 without gaps. */
  version: number
  name: string
  statements: readonly string[]
}
