/** Every part the tests can use: a real program or package that is not part of the product. */
export const partNames = [
  'kube',
  'helm3',
  'promtool',
  'prometheus',
  'crane',
  'nats',
  'livekit',
  'postgres',
  'pgbouncer',
  'bevy',
  'rtc',
  'debian',
  'chromium',
  'enet',
  'lua',
  'gatewayApi',
  'foreignCrds',
  'traefik',
  'nginx',
  'qemu',
  'machoSign',
  'macosNode',
] as const
export type PartName = (typeof partNames)[number]

/** Receives one line about the progress of a long job. */
export type Progress = (line: string) => void

/** A real program or package that tests use, built or downloaded once per machine. */
export interface Part {
  /** Its path when it is ready to use; returns without making it. */
  find(): string | undefined
  /** Why it cannot be made on this machine, with the remedy, in one sentence; undefined when making it can be tried. */
  blocker(): string | undefined
  /** Builds or downloads it and returns its path. @throws when that fails, with what was attempted */
  make(progress: Progress): Promise<string>
}

/** The state of a part for test files: its path, or why it is missing. */
export type PartState = { path: string } | { missing: string }
