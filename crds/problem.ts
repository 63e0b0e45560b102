/** A mistake in an object: its place, and a message with what would be right. */
export interface Problem {
  /** Keys and indices from the root of the object: `['spec', 'cells', 'replicas']`. */
  path: (string | number)[]
  message: string
}
