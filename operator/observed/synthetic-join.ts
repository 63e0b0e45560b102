/** What came of joining a cell as a player would. */
export type Join =
  | { state: 'untried' }
  | { state: 'joined' }
  /** `message` says at which step, and why. */
  | { state: 'failed'; message: string }
