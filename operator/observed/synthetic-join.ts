/** The result of the operator joining a cell as a player would. */
export type SyntheticJoin =
  | { state: 'untried' }
  | { state: 'joined' }
  /** `message` names the step that failed, and why. */
  | { state: 'failed'; message: string }
