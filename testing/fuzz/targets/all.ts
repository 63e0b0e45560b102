import type { FuzzTarget } from '../target.ts'
import { answers } from './answers.ts'
import { bus } from './bus.ts'
import { chains } from './chains.ts'
import { gatekeeperApi } from './gatekeeper-api.ts'
import { manifests } from './manifests.ts'
import { movement } from './movement.ts'
import { packets } from './packets.ts'
import { parsers } from './parsers.ts'
import { publications } from './publications.ts'
import { requests } from './requests.ts'
import { signedFetch } from './signed-fetch.ts'
import { frames, upgrades } from './upgrades.ts'

/** Everything that comes from outside, in the order in which it is sent. */
export const allTargets: readonly FuzzTarget[] = [
  parsers,
  requests,
  upgrades,
  frames,
  packets,
  chains,
  signedFetch,
  gatekeeperApi,
  publications,
  answers,
  manifests,
  bus,
  movement,
]
