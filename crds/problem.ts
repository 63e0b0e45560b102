/** One thing wrong with an object: where, what, and what would be right. */
export interface Problem {
  /** Keys and indices from the root of the object: `['spec', 'cells', 'replicas']`. */
  path: (string | number)[]
  message: string
}
