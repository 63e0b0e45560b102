/** One step of the schema. A step that was released is never edited: the next one corrects it. */
export interface Migration {
  /** Counts up from 1 without gaps. */
  version: number
  name: string
  statements: readonly string[]
}
