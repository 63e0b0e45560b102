/** Every part the tests can use: a real program or package that is not part of the product. */
export const partNames = ['kube', 'nats', 'livekit', 'postgres', 'bevy', 'rtc', 'debian'] as const
export type PartName = (typeof partNames)[number]

/** Takes one line about how far a long job is. */
export type Progress = (line: string) => void

/** Something real the tests run against, built or fetched once per machine. */
export interface Part {
  /** Where it is, when it is ready to use; answers at once. */
  find(): string | undefined
  /** Why it cannot be had on this machine, with the remedy, in one sentence; undefined when it can be tried. */
  blocker(): string | undefined
  /** Builds or fetches it and says where it is. @throws when that fails, saying what was attempted */
  make(progress: Progress): Promise<string>
}

/** What a test file is told about a part: where it is, or why it is not there. */
export type PartState = { path: string } | { missing: string }
